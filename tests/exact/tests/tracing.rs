//! The feature `tracing`: events and spans, and a subscriber that uses the pools itself.
//!
//! The subscriber is the process's, so the tests take turns.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use pool_runtime::collector::Pressure;
use pool_runtime::{Collector, Guard, Pooled, diagnose, registry};
use tests::child;
use tests::collector::{HOUR, wait_until};
use tests::turn::turn;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// An event, or the begin of a span: the fields, and the spans that the thread was in.
#[derive(Clone, Debug, Default)]
struct Told {
    fields: BTreeMap<&'static str, String>,
    spans: Vec<u64>,
}

impl Told {
    fn message(&self) -> &str {
        self.get("message")
    }

    fn get(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }

    fn number(&self, field: &str) -> u64 {
        self.get(field).parse().unwrap_or_else(|_| panic!("{field} is no number: {self:?}"))
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

/// Records all, and does what `ON_EVENT` says.
struct Recorder;

static TOLD: Mutex<Vec<Told>> = Mutex::new(Vec::new());
static SPANS: AtomicU64 = AtomicU64::new(0);
static ON_EVENT: Mutex<Option<fn()>> = Mutex::new(None);
static PANICS: AtomicBool = AtomicBool::new(false);

thread_local! {
    static INSIDE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell(record: impl FnOnce(&mut Told)) {
    let mut told = Told { spans: INSIDE.with_borrow(Clone::clone), ..Told::default() };
    record(&mut told);
    locked(&TOLD).push(told);
    let act = *locked(&ON_EVENT);
    if let Some(act) = act {
        act();
    }
    assert!(!PANICS.load(Relaxed), "the subscriber panics");
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "pool_runtime"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = SPANS.fetch_add(1, Relaxed) + 1;
        tell(|told| {
            span.record(told);
            told.fields.insert("message", format!("span {}", span.metadata().name()));
            told.fields.insert("id", id.to_string());
        });
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        tell(|told| event.record(told));
    }

    fn enter(&self, span: &Id) {
        INSIDE.with_borrow_mut(|inside| inside.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        INSIDE.with_borrow_mut(|inside| assert_eq!(inside.pop(), Some(span.into_u64())));
    }
}

/// The right to the subscriber, which has heard nothing yet.
fn subscribed() -> MutexGuard<'static, ()> {
    static SET: Once = Once::new();
    let turn = turn();
    SET.call_once(|| {
        tracing::dispatcher::set_global_default(tracing::Dispatch::new(Recorder)).expect("it is the first")
    });
    PANICS.store(false, Relaxed);
    *locked(&ON_EVENT) = None;
    INSIDE.with_borrow_mut(Vec::clear);
    diagnose::sample_every(1);
    diagnose::held_longer_than(None);
    diagnose::check();
    // The starts of pools that no sweep has told.
    pool_runtime::collect();
    take();
    turn
}

fn take() -> Vec<Told> {
    std::mem::take(&mut locked(&TOLD))
}

fn messages(told: &[Told]) -> Vec<&str> {
    told.iter().map(Told::message).collect()
}

#[test]
fn a_sweep_is_a_span_with_an_event_at_its_end() {
    #[derive(Default, Pooled)]
    #[pooled(name = "swept", max_idle = 100)]
    struct Page(#[allow(dead_code, reason = "it has a size")] [u64; 8]);

    let _turn = subscribed();
    drop((Page::acquire(), Page::acquire()));
    assert!(take().is_empty(), "a first use tells nothing by itself");
    Page::pool().collect();
    let told = take();
    assert_eq!(messages(&told), ["span sweep", "pool started", "swept"]);
    assert_eq!((told[0].get("work"), told[0].get("pool")), ("collect", "swept"));
    assert_eq!((told[1].get("pool"), told[1].number("max_idle")), ("swept", 100));
    let end = &told[2];
    assert_eq!((end.get("work"), end.get("pool")), ("collect", "swept"));
    assert_eq!((end.number("pools"), end.number("objects"), end.number("bytes")), (1, 2, 128));
    assert!(end.number("duration_us") < 60_000_000);
    assert_eq!(end.spans, [told[0].number("id")], "the end is told inside of the span");

    drop(Page::acquire());
    pool_runtime::age();
    let told = take();
    assert_eq!(messages(&told), ["span sweep", "swept"], "a start is told once");
    assert_eq!((told[1].get("work"), told[1].get("pool"), told[1].number("objects")), ("age", "", 0));
    assert!(told[1].number("pools") >= 1);
    pool_runtime::age();
    assert_eq!(take()[1].number("objects"), 1);
    assert!(INSIDE.with_borrow(Vec::is_empty), "each span was left");
}

#[test]
fn a_change_of_the_bound_is_told() {
    #[derive(Default, Pooled)]
    #[pooled(name = "bounded", max_idle = 100)]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _turn = subscribed();
    drop(Page::acquire());
    Page::pool().set_max_idle(7);
    let told = take();
    assert_eq!(messages(&told), ["span sweep", "pool started", "bound changed", "swept"]);
    let change = &told[2];
    assert_eq!((change.get("pool"), change.number("before"), change.number("max_idle")), ("bounded", 100, 7));
    assert_eq!(told[3].get("work"), "set_max_idle");
    Page::pool().set_max_idle(7);
    assert_eq!(messages(&take()), ["span sweep", "swept"], "nothing has changed");
}

#[test]
fn a_subscriber_may_use_the_pools() {
    #[derive(Default, Pooled)]
    #[pooled(name = "used by the subscriber")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);
    static KEPT: Mutex<Vec<Guard<Page>>> = Mutex::new(Vec::new());

    let _turn = subscribed();
    *locked(&ON_EVENT) = Some(|| {
        drop(Page::acquire());
        locked(&KEPT).push(Page::acquire());
        // An event of these would lead to an event for ever.
        pool_runtime::collect();
        Page::pool().age();
        Page::pool().set_max_idle(locked(&KEPT).len());
        let _ = (registry::stats(), registry::in_use_report(), diagnose::check(), Page::pool().settled_stats());
    });
    diagnose::held_longer_than(Duration::ZERO);
    drop(Page::acquire());
    pool_runtime::collect();
    diagnose::check();
    *locked(&ON_EVENT) = None;
    let told = take();
    let sweeps = told.iter().filter(|told| told.message() == "swept").count();
    assert_eq!(sweeps, 1, "the sweeps of the subscriber are not told: {told:?}");
    assert!(!locked(&KEPT).is_empty());
    locked(&KEPT).clear();
}

#[test]
fn a_subscriber_that_panics_stops_no_sweep() {
    #[derive(Default, Pooled)]
    #[pooled(name = "panicking subscriber")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _turn = subscribed();
    drop(Page::acquire());
    PANICS.store(true, Relaxed);
    assert!(std::panic::catch_unwind(|| Page::pool().collect()).is_err(), "the panic goes on");
    PANICS.store(false, Relaxed);
    assert_eq!(Page::pool().idle(), 0, "the sweep was made");
    INSIDE.with_borrow_mut(Vec::clear);
    drop(Page::acquire());
    Page::pool().collect();
    assert!(messages(&take()).contains(&"swept"), "events go on");
}

#[test]
fn a_collector_tells_its_steps_and_makes_the_checks() {
    #[derive(Default, Pooled)]
    #[pooled(name = "of a collector")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _turn = subscribed();
    let (held, line) = (Page::acquire(), line!());
    diagnose::held_longer_than(Duration::from_millis(5));
    let interval = Duration::from_millis(5);
    let collector = Collector::builder().interval(interval).pressure(Pressure::Ignore).start().expect("it starts");
    let wait_for = |message: &str| {
        loop {
            let told = locked(&TOLD).iter().find(|told| told.message() == message).cloned();
            if let Some(told) = told {
                return told;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    let step = wait_for("collector step");
    assert_eq!(step.get("level"), "interval");
    assert!(step.number("duration_us") < 60_000_000 && step.spans.is_empty());
    let overdue = wait_for("held for long");
    assert_eq!(
        (overdue.get("pool"), overdue.get("place")),
        ("of a collector", format!("{}:{line}:25", file!()).as_str())
    );
    assert!(overdue.number("held_ms") >= 5);
    drop(held);
    let returned = wait_for("returned after long");
    assert_eq!(returned.get("place"), overdue.get("place"));
    assert!(returned.number("held_ms") >= overdue.number("held_ms"));
    drop(collector);
    let told = take();
    for message in ["held for long", "returned after long"] {
        assert_eq!(messages(&told).into_iter().filter(|&told| told == message).count(), 1, "{message}");
    }
}

#[test]
fn the_end_of_the_program_is_told_to_the_subscriber() {
    #[derive(Default, Pooled)]
    #[pooled(name = "at the end")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _turn = subscribed();
    let (held, line) = (Page::acquire(), line!());
    drop(registry::report_at_end());
    let told: Vec<_> = take().into_iter().filter(|told| told.get("pool") == "at the end").collect();
    assert_eq!(messages(&told), ["still in use", "still in use, acquired here"]);
    assert_eq!((told[0].number("objects"), told[0].get("when")), (1, "at the end of the program"));
    assert_eq!((told[1].number("objects"), told[1].get("place")), (1, format!("{}:{line}:25", file!()).as_str()));
    drop(held);
}

/// In a process of its own, for the environment: a report of the system is told with the level that the collector answers it by, and the loss of its
/// source with the reason.
#[test]
#[cfg(target_os = "linux")]
fn memory_pressure_is_told_with_its_level() {
    let name = "memory_pressure_is_told_with_its_level";
    if !child::is_child() {
        let path = std::env::temp_dir().join(format!("pool-tracing-{}", std::process::id()));
        child::run_and_pass(name, |child| {
            child.env("MEMORY_PRESSURE_WATCH", &path).env_remove("MEMORY_PRESSURE_WRITE")
        });
        std::fs::remove_file(path).expect("the child has made it");
        return;
    }
    let path = std::env::var_os("MEMORY_PRESSURE_WATCH").expect("it was set");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a new name");
    let _turn = subscribed();
    let collector = Collector::builder().interval(HOUR).start().expect("no other is running");
    let (mut system, _) = listener.accept().expect("the collector has connected");
    let told_of = |message: &str| locked(&TOLD).iter().find(|told| told.message() == message).cloned();
    std::io::Write::write_all(&mut system, b"!").expect("the collector reads");
    wait_until("the pressure is told", || told_of("memory pressure").is_some());
    assert_eq!(told_of("memory pressure").expect("it was there").get("level"), "low");
    drop((system, listener));
    wait_until("the loss is told", || told_of("source of memory pressure lost").is_some());
    let lost = told_of("source of memory pressure lost").expect("it was there");
    assert!(lost.get("source").contains(&*path.to_string_lossy()) && !lost.get("error").is_empty(), "{lost:?}");
    drop(collector);
}
