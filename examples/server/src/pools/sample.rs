//! The numbers of all pools at a moment.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use pool_runtime::stats::{Dropped, Stats};
use serde::{Serialize, Serializer};

/// Pools of one name are one row.
pub(super) type Rows = BTreeMap<Cow<'static, str>, Row>;

#[derive(Debug)]
pub(super) struct Sample {
    /// Since the sampler began.
    pub(super) at: Duration,
    pub(super) rows: Rows,
    /// The same as a server-sent event, which all listeners share.
    pub(super) event: Bytes,
}

/// Its name, and its place in the statistics.
type Reason = (&'static str, fn(&Dropped) -> u64);

/// The reasons for which a pool drops objects.
const REASONS: [Reason; 8] = [
    ("bound", |dropped| dropped.bound),
    ("busy", |dropped| dropped.busy),
    ("retain", |dropped| dropped.retain),
    ("panic", |dropped| dropped.panic),
    ("discard", |dropped| dropped.discard),
    ("collect", |dropped| dropped.collect),
    ("age", |dropped| dropped.age),
    ("off", |dropped| dropped.off),
];

/// Objects dropped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Why([u64; REASONS.len()]);

/// The numbers of a pool. In JSON a number that is zero is left out: most are, and the samples of minutes are sent at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) in_use: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) idle: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) victims: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) max_idle: u64,
    /// `None` if no pool of the name tells its weight. Zero is not left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<u64>,
    /// Since the process began, as all below.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) made: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) dropped: u64,
    /// The same by reason.
    #[serde(skip_serializing_if = "Why::is_empty")]
    pub(super) why: Why,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Sample {
    /// `id` is that of its event.
    pub(super) fn new(at: Duration, id: &str, stats: &[Stats]) -> Self {
        #[derive(Serialize)]
        struct Data<'a> {
            /// Milliseconds.
            at: u128,
            pools: &'a Rows,
        }

        let mut rows = Rows::new();
        for stats in stats {
            rows.entry(stats.name.clone()).or_default().add(stats);
        }
        let data = serde_json::to_string(&Data { at: at.as_millis(), pools: &rows }).expect("names and numbers");
        // JSON has no line break outside of a text, and none but an escaped one inside.
        let event = format!("id: {id}\nevent: sample\ndata: {data}\n\n").into();
        Self { at, rows, event }
    }
}

impl Row {
    fn add(&mut self, stats: &Stats) {
        self.in_use += stats.in_use as u64;
        self.idle += stats.idle as u64;
        self.victims += stats.victims as u64;
        self.max_idle = self.max_idle.saturating_add(stats.max_idle as u64);
        if let Some(bytes) = stats.idle_bytes {
            *self.bytes.get_or_insert_default() += bytes as u64;
        }
        self.made += stats.created;
        self.dropped += stats.dropped.total();
        for (number, (_, of)) in self.why.0.iter_mut().zip(REASONS) {
            *number += of(&stats.dropped);
        }
    }
}

impl Why {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The reasons that are not zero.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        REASONS.into_iter().zip(self.0).map(|((reason, _), number)| (reason, number)).filter(|&(_, number)| number > 0)
    }

    /// The drops since `first`.
    pub(super) fn since(&self, first: &Self) -> Self {
        let mut since = *self;
        since.0.iter_mut().zip(first.0).for_each(|(number, first)| *number = number.saturating_sub(first));
        since
    }
}

impl Serialize for Why {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::Value;

    use super::*;

    pub(crate) fn why(numbers: &[(&str, u64)]) -> Why {
        let number = |reason| numbers.iter().find(|one| one.0 == reason).map_or(0, |one| one.1);
        Why(REASONS.map(|(reason, _)| number(reason)))
    }

    #[test]
    fn each_reason_has_its_number() {
        let Value::Object(fields) = serde_json::to_value(Dropped::default()).unwrap() else { panic!() };
        assert_eq!(fields.len(), REASONS.len(), "{fields:?}");
        for (reason, of) in REASONS {
            let dropped = serde_json::from_value(serde_json::json!({ reason: 7 })).unwrap();
            assert!(fields.contains_key(reason) && of(&dropped) == 7, "{reason}");
        }
    }

    fn stats(name: &'static str, numbers: Value) -> Stats {
        let mut numbers = numbers;
        numbers["name"] = name.into();
        serde_json::from_value(numbers).unwrap()
    }

    fn data(sample: &Sample) -> Value {
        let text = std::str::from_utf8(&sample.event).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines[0], lines[1], lines.len()), ("id: 7", "event: sample", 4), "{text}");
        assert!(text.ends_with("\n\n"), "a blank line ends an event");
        serde_json::from_str(lines[2].strip_prefix("data: ").unwrap()).unwrap()
    }

    #[test]
    fn an_event_has_each_number_that_is_not_zero() {
        let page = stats(
            "page",
            serde_json::json!({
                "idle": 3, "max_idle": 8, "victims": 1, "in_use": 2, "idle_bytes": 0, "created": 9,
                "dropped": {"age": 3, "bound": 1}
            }),
        );
        let sample = Sample::new(Duration::from_millis(1500), "7", &[page, stats("empty", serde_json::json!({}))]);
        let expected = serde_json::json!({
            "at": 1500,
            "pools": {
                "page": {
                    "idle": 3, "max_idle": 8, "victims": 1, "in_use": 2, "bytes": 0, "made": 9, "dropped": 4, "why": {"age": 3, "bound": 1}
                },
                "empty": {}
            }
        });
        assert_eq!(data(&sample), expected);
    }

    #[test]
    fn pools_of_one_name_are_a_row() {
        let all = [
            stats("a", serde_json::json!({"idle": 1, "idle_bytes": 5, "dropped": {"off": 1}})),
            stats("b", serde_json::json!({"in_use": 1})),
            stats("a", serde_json::json!({"idle": 2, "max_idle": usize::MAX, "dropped": {"off": 2, "busy": 1}})),
            stats("a", serde_json::json!({"max_idle": usize::MAX})),
        ];
        let sample = Sample::new(Duration::ZERO, "7", &all);
        assert_eq!(sample.rows.len(), 2);
        let row = &sample.rows["a"];
        assert_eq!((row.idle, row.bytes, row.max_idle, row.dropped), (3, Some(5), u64::MAX, 4));
        assert_eq!(row.why.iter().collect::<Vec<_>>(), [("busy", 1), ("off", 3)]);
    }

    /// A line break would end the event's line, and an empty line the event.
    #[test]
    fn no_name_breaks_an_event() {
        let name = "a\n\nevent: x\r\ndata: y\u{2028}\0<b>\"'&";
        let sample = Sample::new(Duration::ZERO, "7", &[stats(name, serde_json::json!({"idle": 1}))]);
        assert_eq!(data(&sample)["pools"][name]["idle"], 1);
    }
}
