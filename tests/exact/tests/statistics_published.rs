//! Statistics for people and for programs: the table, `serde` and `metrics`.
//!
//! Each runs in a process of its own: the statistics are those of all pools.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Label, Metadata, Recorder, SharedString, Unit,
};
use pool_runtime::collector::{self, Pressure};
use pool_runtime::stats::{AllStats, Stats};
use pool_runtime::{Collector, Guard, Pooled, registry};
use serde_json::json;
use tests::child::{self, alone};
use tests::collector::{HOUR, every, wait_until};
use tests::cpu;
use tests::guards::hold;

#[derive(Default, Pooled)]
#[pooled(name = "page", max_idle = 3, local = 0)]
struct Page(u8);

#[derive(Default, Pooled)]
#[pooled(name = "a línea", local = 0, weigh = |_| 7)]
struct Line(u8);

/// Lines: 12,345 made, of which 2 in use, 1 victim, 1 idle, the others collected. Pages: 5 made, 1 in use, 3 idle, 2 adopted.
fn use_both() -> (Vec<Guard<Line>>, Vec<Guard<Page>>) {
    cpu::pin();
    Line::pool().set_max_idle(20_000);
    drop(hold::<Line>(12_345));
    Line::pool().collect();
    let mut lines = hold::<Line>(4);
    lines.truncate(3);
    Line::pool().age();
    lines.truncate(2);

    let _taken: Page = Guard::into_inner(Page::adopt(Page(0)));
    Guard::discard(Page::adopt(Page(0)));
    let mut pages = hold::<Page>(5);
    pages.truncate(1);
    (lines, pages)
}

#[test]
fn the_table_is_for_people() {
    alone("the_table_is_for_people", || {
        assert_eq!(registry::stats().to_string().lines().count(), 1);
        let _held = use_both();
        let table = registry::stats().to_string();
        println!("{table}");
        let lines: Vec<&str> = table.lines().collect();
        let moves = [Line::pool().stats(), Page::pool().stats()].map(|stats| (stats.refills, stats.flushes));
        assert_eq!(moves, [(0, 0); 2], "there are no local stacks");
        let expected = [
            "pool     in use  idle  victims  max idle  created  dropped",
            "a línea       2     2        1     20000    12349    12345",
            "    dropped by collect 12345; idle bytes 7",
            "page          1     3        0         3        5        2",
            "    dropped by bound 1, discard 1; adopted 2, detached 1",
        ];
        assert_eq!(lines, expected);
    });
}

#[test]
fn the_rows_can_be_serialized() {
    alone("the_rows_can_be_serialized", || {
        let _held = use_both();
        let rows = serde_json::to_value(registry::stats()).expect("it is a list of numbers");
        let rows: BTreeMap<&str, &serde_json::Value> =
            rows.as_array().expect("a list").iter().map(|row| (row["name"].as_str().expect("a name"), row)).collect();
        assert_eq!(rows.len(), 2);
        let read: AllStats =
            serde_json::from_str(&serde_json::to_string(&registry::stats()).expect("as above")).expect("its own");
        assert_eq!(read, registry::stats());
        // What another version has written: it does not know all fields, and knows others.
        let other: Stats =
            serde_json::from_value(json!({"name": "page", "idle": 3, "colour": 7})).expect("fields may be missing");
        assert_eq!((other.name.as_ref(), other.idle, other.max_idle), ("page", 3, 0));
        let moves = Page::pool().stats();
        let expected = json!({
            "name": "page", "idle": 3, "max_idle": 3, "victims": 0, "in_use": 1, "idle_bytes": null, "created": 5, "adopted": 2, "detached": 1,
            "refills": moves.refills, "flushes": moves.flushes, "steals": moves.steals, "unfenced": 0,
            "dropped": {
                "bound": 1, "busy": 0, "retain": 0, "panic": 0, "discard": 1, "collect": 0, "age": 0, "off": 0
            }
        });
        assert_eq!(*rows["page"], expected);
        assert_eq!(rows["a línea"]["dropped"]["collect"], 12_345);
        assert_eq!(rows["a línea"]["idle_bytes"], 7, "of the one that was idle at the step");
    });
}

/// A recorder that remembers what it was told: series with their labels, and the last value.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Series>>);

/// What was described, and what was told.
type Series = (BTreeSet<String>, BTreeMap<String, f64>);

impl Told {
    fn lock(&self) -> MutexGuard<'_, Series> {
        self.0.lock().expect("no panic")
    }

    fn series(&self) -> BTreeMap<String, f64> {
        self.lock().1.clone()
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, text: &str) {
        let right = if name.as_str().ends_with("_bytes") { Unit::Bytes } else { Unit::Count };
        assert!(unit == Some(right) && text.ends_with('.'), "{name:?}: {text}");
        self.lock().0.insert(name.as_str().to_owned());
    }

    fn one(&self, key: &Key) -> Arc<One> {
        assert!(self.lock().0.contains(key.name()), "{key} is described before");
        let versions: Vec<_> = key.labels().filter(|label| label.key() == "version").map(Label::value).collect();
        assert_eq!(versions, [env!("CARGO_PKG_VERSION")], "of another version there may be series of the same names");
        let labels = key.labels().filter(|label| label.key() != "version");
        let labels: Vec<_> = labels.map(|label| format!("{}={}", label.key(), label.value())).collect();
        Arc::new(One(self.clone(), format!("{}{{{}}}", key.name(), labels.join(","))))
    }
}

impl Recorder for Told {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        assert!(name.as_str().ends_with("_total"), "{name:?}");
        self.describe(&name, unit, &text);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&name, unit, &text);
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.one(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.one(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// One series of a recorder.
struct One(Told, String);

impl One {
    fn tell(&self, value: f64) {
        self.0.lock().1.insert(self.1.clone(), value);
    }
}

impl CounterFn for One {
    fn increment(&self, _: u64) {
        panic!("{} is told whole", self.1);
    }

    fn absolute(&self, value: u64) {
        self.tell(value as f64);
    }
}

impl GaugeFn for One {
    fn increment(&self, _: f64) {
        panic!("{} is told whole", self.1);
    }

    fn decrement(&self, _: f64) {
        panic!("{} is told whole", self.1);
    }

    fn set(&self, value: f64) {
        self.tell(value);
    }
}

#[test]
fn the_recorder_is_told_every_number() {
    alone("the_recorder_is_told_every_number", || {
        let _held = use_both();
        let told = Told::default();
        metrics::with_local_recorder(&told, pool_runtime::publish_metrics);
        let series = told.series();
        for (name, value) in [
            ("pool_idle_objects{pool=a línea}", 2),
            ("pool_victim_objects{pool=a línea}", 1),
            ("pool_in_use_objects{pool=a línea}", 2),
            ("pool_idle_bytes{pool=a línea}", 7),
            ("pool_created_objects_total{pool=a línea}", 12_349),
            ("pool_adopted_objects_total{pool=page}", 2),
            ("pool_detached_objects_total{pool=page}", 1),
            ("pool_max_idle_objects{pool=a línea}", 20_000),
            ("pool_max_idle_objects{pool=page}", 3),
            ("pool_dropped_objects_total{pool=page,reason=bound}", 1),
            ("pool_dropped_objects_total{pool=page,reason=discard}", 1),
            ("pool_dropped_objects_total{pool=a línea,reason=collect}", 12_345),
        ] {
            assert_eq!(series.get(name), Some(&f64::from(value)), "{name} in {series:#?}");
        }
        // Four gauges, the bytes and a counter of the lines, three and three of the pages, and three reasons: zeroes are not told.
        assert_eq!(series.len(), 6 + 6 + 3, "{series:#?}");

        // But what was not zero is told when it is.
        Line::pool().collect();
        metrics::with_local_recorder(&told, pool_runtime::publish_metrics);
        let series = told.series();
        assert_eq!(
            (series["pool_victim_objects{pool=a línea}"], series["pool_idle_objects{pool=a línea}"]),
            (0.0, 0.0)
        );
        assert!(!series.contains_key("pool_victim_objects{pool=page}"), "{series:#?}");
    });
}

#[test]
fn the_prefix_is_the_programs() {
    alone("the_prefix_is_the_programs", || {
        let _held = use_both();
        let told = Told::default();
        metrics::with_local_recorder(&told, || pool_runtime::publish_metrics_as("db"));
        let series = told.series();
        assert_eq!(series["db_in_use_objects{pool=page}"], 1.0);
        assert!(series.keys().all(|name| name.starts_with("db_")), "{series:#?}");
    });
}

#[test]
fn pools_of_one_name_are_published_as_one() {
    #[derive(Default, Pooled)]
    #[pooled(name = "page")]
    struct Other(u8);

    alone("pools_of_one_name_are_published_as_one", || {
        let _held = (hold::<Page>(2), hold::<Other>(3));
        let told = Told::default();
        metrics::with_local_recorder(&told, pool_runtime::publish_metrics);
        let series = told.series();
        assert_eq!(series["pool_in_use_objects{pool=page}"], 5.0);
        assert_eq!(series["pool_created_objects_total{pool=page}"], 5.0);
        assert_eq!(series.len(), 3, "in use, created and the bound: {series:#?}");
        assert_eq!(series["pool_max_idle_objects{pool=page}"], (3 + Other::pool().max_idle()) as f64);
    });
}

/// After an ageing step all that is idle is a victim: in 23 of 24 scrapes the two were the same.
#[test]
fn a_collector_publishes_at_its_start_before_each_step_and_at_its_end() {
    alone("a_collector_publishes_at_its_start_before_each_step_and_at_its_end", || {
        let told = Told::default();
        metrics::set_global_recorder(told.clone()).expect("no other recorder is there");
        let get = |name: &str| told.series().get(name).copied();
        let held = hold::<Page>(3);
        let collector = every(HOUR);
        wait_until("the start is published", || get("pool_in_use_objects{pool=page}") == Some(3.0));
        drop(held);
        drop(collector);
        assert_eq!(get("pool_idle_objects{pool=page}"), Some(3.0), "its end is published");
        assert_eq!(get("pool_collector_steps_total{level=interval}"), None, "it has taken no step");

        let interval = Duration::from_millis(300);
        let builder = Collector::builder().interval(interval).pressure(Pressure::Ignore).metrics_prefix("db");
        let collector = builder.start().expect("no other is running");
        // Of three victims one is used again: two are told, and are not all that is idle.
        wait_until("two victims of three are published", || {
            if Page::pool().idle() < 3 {
                drop(hold::<Page>(3));
            }
            if Page::pool().stats().victims == 3 {
                drop(hold::<Page>(1));
            }
            let series = told.series();
            let told = ["victim", "idle"].map(|gauge| series.get(&format!("db_{gauge}_objects{{pool=page}}")).copied());
            told == [Some(2.0), Some(3.0)]
        });
        wait_until("the drops are published", || get("db_idle_objects{pool=page}") == Some(0.0));
        drop(collector);
        assert_eq!(get("db_victim_objects{pool=page}"), Some(0.0));
        assert!(get("db_dropped_objects_total{pool=page,reason=age}").is_some());
        let counts = collector::counts();
        assert!(counts.interval >= 2 && (counts.low, counts.medium, counts.critical) == (0, 0, 0), "{counts:?}");
        assert_eq!(get("db_collector_steps_total{level=interval}"), Some(counts.interval as f64));
    });
}

/// What a collector has met with: what was lost, and what glibc was asked for.
#[cfg(target_os = "linux")]
#[test]
fn lost_sources_and_trims_are_published() {
    use std::os::unix::net::UnixListener;

    let name = "lost_sources_and_trims_are_published";
    if !child::is_child() {
        let path = std::env::temp_dir().join(format!("pool-published-{}", std::process::id()));
        let listener = UnixListener::bind(&path).expect("a new socket");
        let supervisor = std::thread::spawn(move || drop(listener.accept().expect("the child connects")));
        child::run_and_pass(name, |child| {
            child.env("MEMORY_PRESSURE_WATCH", &path).env_remove("MEMORY_PRESSURE_WRITE")
        });
        supervisor.join().expect("no panic");
        let _ = std::fs::remove_file(path);
        return;
    }
    drop(hold::<Line>(100));
    let collector = Collector::builder().interval(Duration::from_millis(20)).start().expect("no other is running");
    wait_until("it is lost", || collector::counts().lost_sources == 1);
    wait_until("all are dropped", || Line::pool().stats().dropped.age == 100);
    let steps = collector::counts().interval;
    wait_until("the step is over", || collector::counts().interval > steps);
    let told = Told::default();
    metrics::with_local_recorder(&told, pool_runtime::publish_metrics);
    let series = told.series();
    assert_eq!(series["pool_collector_lost_sources_total{}"], 1.0);
    let trims = f64::from(u8::from(cfg!(target_env = "gnu")));
    assert_eq!(series.get("pool_collector_trims_total{}").copied().unwrap_or_default(), trims, "{series:#?}");
    drop(collector);
}
