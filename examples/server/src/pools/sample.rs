//! The numbers of all pools at a moment.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use pool_runtime::stats::Stats;
use serde::Serialize;
use serde_json::Value;

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

/// The numbers of a pool. In JSON a number that is zero is left out: most are, and the samples of minutes are sent at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
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
    /// The same by reason, without those that are zero.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) why: BTreeMap<String, u64>,
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
        // The names are those of the fields, so that no reason is forgotten here.
        let Ok(Value::Object(reasons)) = serde_json::to_value(stats.dropped) else { return };
        for (reason, number) in reasons {
            if let Some(number) = number.as_u64().filter(|&number| number > 0) {
                *self.why.entry(reason).or_default() += number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(row.why, BTreeMap::from([("busy".to_owned(), 1), ("off".to_owned(), 3)]));
    }

    /// A line break would end the event's line, and an empty line the event.
    #[test]
    fn no_name_breaks_an_event() {
        let name = "a\n\nevent: x\r\ndata: y\u{2028}\0<b>\"'&";
        let sample = Sample::new(Duration::ZERO, "7", &[stats(name, serde_json::json!({"idle": 1}))]);
        assert_eq!(data(&sample)["pools"][name]["idle"], 1);
    }
}
