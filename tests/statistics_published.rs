//! Statistics for people and for programs: the table, `serde` and `metrics`. These tests count.
//!
//! Each runs in a process of its own: the statistics are those of all pools.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use pool_runtime::stats::{Rows, Stats};
use pool_runtime::{Guard, Pooled, registry};
use serde_json::json;
use tests::collector::{SHORT, every, wait_until};
use tests::guards::hold;
use tests::{child, cpu};

#[derive(Default, Pooled)]
#[pooled(name = "page", max_idle = 3, local = 0)]
struct Page(u8);

#[derive(Default, Pooled)]
#[pooled(name = "a línea", local = 0)]
struct Line(u8);

/// Runs the test `name` in a process of its own, and `part` there.
fn alone(name: &str, part: impl FnOnce()) {
    if child::is_child() {
        part();
    } else {
        child::run_and_pass(name, |child| child);
    }
}

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
        assert_eq!(moves, [(0, 0); 2], "there are no private stacks");
        let expected = [
            "pool     in use  idle  victims  max idle  created  dropped",
            "a línea       2     2        1     20000    12349    12345",
            "    dropped by collect 12345",
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
        let read: Rows =
            serde_json::from_str(&serde_json::to_string(&registry::stats()).expect("as above")).expect("its own");
        assert_eq!(read, registry::stats());
        // What another version has written: it does not know all fields, and knows others.
        let other: Stats =
            serde_json::from_value(json!({"name": "page", "idle": 3, "colour": 7})).expect("fields may be missing");
        assert_eq!((other.name.as_ref(), other.idle, other.max_idle), ("page", 3, 0));
        let moves = Page::pool().stats();
        let expected = json!({
            "name": "page", "idle": 3, "max_idle": 3, "victims": 0, "in_use": 1, "created": 5, "adopted": 2, "detached": 1,
            "refills": moves.refills, "flushes": moves.flushes, "steals": moves.steals, "unfenced": 0,
            "dropped": {
                "bound": 1, "busy": 0, "retain": 0, "panic": 0, "discard": 1, "collect": 0, "age": 0, "off": 0
            }
        });
        assert_eq!(*rows["page"], expected);
        assert_eq!(rows["a línea"]["dropped"]["collect"], 12_345);
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
        assert!(unit == Some(Unit::Count) && text.ends_with('.'), "{name:?}: {text}");
        self.lock().0.insert(name.as_str().to_owned());
    }

    fn one(&self, key: &Key) -> Arc<One> {
        assert!(self.lock().0.contains(key.name()), "{key} is described before");
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
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
        let lines = Line::pool().stats();
        for (name, value) in [
            ("pool_idle_objects{pool=a línea}", 2),
            ("pool_victim_objects{pool=a línea}", 1),
            ("pool_in_use_objects{pool=a línea}", 2),
            ("pool_created_objects_total{pool=a línea}", 12_349),
            ("pool_adopted_objects_total{pool=page}", 2),
            ("pool_detached_objects_total{pool=page}", 1),
            ("pool_refills_total{pool=a línea}", lines.refills),
            ("pool_flushes_total{pool=a línea}", lines.flushes),
            ("pool_steals_total{pool=a línea}", lines.steals),
            ("pool_dropped_objects_total{pool=page,reason=bound}", 1),
            ("pool_dropped_objects_total{pool=page,reason=discard}", 1),
            ("pool_dropped_objects_total{pool=a línea,reason=collect}", 12_345),
            ("pool_dropped_objects_total{pool=a línea,reason=age}", 0),
        ] {
            assert_eq!(series.get(name), Some(&(value as f64)), "{name} in {series:#?}");
        }
        // Three gauges and six counters, and eight reasons, of two pools.
        assert_eq!(series.len(), 2 * (3 + 6 + 8), "{series:#?}");
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
        assert_eq!(series.len(), 3 + 6 + 8);
    });
}

#[test]
fn a_collector_publishes_after_each_step() {
    alone("a_collector_publishes_after_each_step", || {
        let told = Told::default();
        metrics::set_global_recorder(told.clone()).expect("no other recorder is there");
        let collector = every(SHORT);
        drop(hold::<Page>(2));
        wait_until("the drops are published", || {
            told.series().get("pool_dropped_objects_total{pool=page,reason=age}") == Some(&2.0)
        });
        drop(collector);
    });
}
