//! A step of the collector: its work, its level, and the counts of steps.
//!
//! # Invariants
//!
//! 1. User code runs under no lock, and its panics end here. It is the `Drop` of objects, and the program's function.

use core::fmt;
use core::mem;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::allocator::Trimmer;
#[cfg(all(feature = "diagnose", feature = "tracing"))]
use crate::diagnose;
#[cfg(feature = "tracing")]
use crate::events;
use crate::registry::sweeps::{age_all, collect_all, shrink_to};
use crate::slots::counters::Counter;

/// A report of pressure within this time after the last belongs to the same shortage, and is answered harder. The kernel reports a lasting shortage
/// once per window, and the windows of systemd and of this crate are two seconds; so this is five reports missed.
const SAME_SHORTAGE: Duration = Duration::from_secs(10);

/// The settings of a step.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    pub(super) max_bytes: Option<usize>,
    pub(super) trim: bool,
    pub(super) after: Option<After>,
}

/// A function of the user's.
#[derive(Clone)]
pub(super) struct After(pub(super) Arc<dyn Fn(&Step) + Send + Sync>);

/// A step that a [`Collector`](crate::Collector) has just taken, for [`Builder::after`](super::Builder::after).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The reason for the step, and how hard the answer was.
    pub level: Level,
    /// How many objects were dropped.
    pub objects: usize,
    /// The bytes that these took up. An object whose type does not tell its weight (the derive's key `weigh`) counts with its size alone.
    pub bytes: usize,
    /// How long the step took, the drops included.
    pub duration: Duration,
    /// How long glibc took to give memory back, if it was asked: see [`Builder::trim`](super::Builder::trim).
    pub trim: Option<Duration>,
}

/// The reason why a [`Collector`](crate::Collector) takes a step, and how hard it answers.
// An index into `STEPS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// The interval is over: `age` once.
    Interval,
    /// Memory is short: `age` once.
    Low,
    /// Memory is still short: `age` twice.
    Medium,
    /// Memory is short for long: `collect`.
    Critical,
}

/// The steps that the collectors of the process have taken since it began, and the sources that they have lost: [`counts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Steps that were taken because the interval was over.
    pub interval: u64,
    /// Answers to pressure that was reported for the first time.
    pub low: u64,
    /// Answers to pressure that was reported again.
    pub medium: u64,
    /// Answers to pressure that lasted.
    pub critical: u64,
    /// Sources of pressure that worked and then did not.
    pub lost_sources: u64,
}

/// How many steps were taken, by [`Level`].
pub(super) static STEPS: [Counter; 4] = [const { Counter::new() }; 4];

pub(super) static LOST_SOURCES: Counter = Counter::new();

/// Returns the numbers of steps that the collectors of this process have taken since it began, and of sources that they have lost.
///
/// # Examples
///
/// ```
/// let counts = pool_runtime::collector::counts();
/// println!("{} steps, {} under pressure", counts.interval, counts.low + counts.medium + counts.critical);
/// ```
pub fn counts() -> Counts {
    let [interval, low, medium, critical] = STEPS.each_ref().map(Counter::get);
    Counts { interval, low, medium, critical, lost_sources: LOST_SOURCES.get() }
}

impl Steps {
    /// Takes a step. Panics of user code end here (invariant 1); the panic hook has reported them.
    pub(super) fn take(&self, level: Level, trimmer: Option<&mut Trimmer>) {
        let start = Instant::now();
        let first = match level {
            Level::Interval | Level::Low => age_all(),
            Level::Medium => age_all().and(age_all()),
            Level::Critical => collect_all(),
        };
        let swept = match self.max_bytes {
            Some(budget) => first.and(shrink_to(budget)),
            None => first,
        };
        let mut step =
            Step { level, objects: swept.objects, bytes: swept.bytes, duration: start.elapsed(), trim: None };
        // The drop of a payload may panic in its turn.
        mem::forget(swept);
        step.trim = trimmer.and_then(|trimmer| trimmer.note(step.objects, step.bytes));
        if let Some(After(after)) = &self.after {
            caught(|| after(&step));
        }
        #[cfg(feature = "tracing")]
        caught(|| events::stepped(level.name(), step.objects, step.bytes, step.duration, step.trim));
        #[cfg(all(feature = "diagnose", feature = "tracing"))]
        caught(diagnose::check_and_tell);
    }
}

/// Lets a panic of user code end here. The panic hook has reported it.
pub(super) fn caught(code: impl FnOnce()) {
    // The drop of a payload may panic in its turn.
    mem::forget(catch_unwind(AssertUnwindSafe(code)));
}

/// The time and the level of the last report of pressure.
#[derive(Default)]
pub(super) struct Shortage(Option<(Instant, Level)>);

impl Shortage {
    /// The level of pressure that is reported now.
    pub(super) fn goes_on(&mut self, now: Instant) -> Level {
        let level = match self.0 {
            Some((last, level)) if now.saturating_duration_since(last) < SAME_SHORTAGE => match level {
                Level::Low => Level::Medium,
                Level::Interval | Level::Medium | Level::Critical => Level::Critical,
            },
            _ => Level::Low,
        };
        self.0 = Some((now, level));
        level
    }
}

impl Level {
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interval => "interval",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::Critical => "critical",
        }
    }
}

impl Counts {
    /// Each level's name and the number of its steps.
    #[cfg(feature = "metrics")]
    pub(crate) fn by_level(self) -> [(&'static str, u64); 4] {
        [
            (Level::Interval.name(), self.interval),
            (Level::Low.name(), self.low),
            (Level::Medium.name(), self.medium),
            (Level::Critical.name(), self.critical),
        ]
    }
}

// A panic of the function is caught, and the function is called again: it is up to the user's code to leave its shared state in order.
impl UnwindSafe for After {}
impl RefUnwindSafe for After {}

impl fmt::Debug for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn pressure_that_stays_is_answered_harder() {
        let start = Instant::now();
        let mut shortage = Shortage::default();
        let mut level = |seconds| shortage.goes_on(start + Duration::from_secs(seconds));
        assert_eq!(
            [0, 2, 4, 6, 8].map(&mut level),
            [Level::Low, Level::Medium, Level::Critical, Level::Critical, Level::Critical]
        );
        assert_eq!([18, 27, 36].map(&mut level), [Level::Low, Level::Medium, Level::Critical]);
        assert_eq!([100, 110, 120].map(&mut level), [Level::Low, Level::Low, Level::Low]);
    }
}
