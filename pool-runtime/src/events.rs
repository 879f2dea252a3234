//! The library's events and spans for the [`tracing`] facade. Feature `tracing`.
//!
//! # Invariants
//!
//! 1. A subscriber is code of the user's. It runs under no lock, in no acquire and no release, and not before `main`: only operations that may wait,
//!    and that a signal handler may not call, tell events. It may acquire, release, collect and panic.
//! 2. The operations of a subscriber that handles one of these events tell none: otherwise a subscriber that collects at a collect would never end.

use core::cell::Cell;
use core::fmt::Display;
use core::time::Duration;

use tracing::span::EnteredSpan;
use tracing::{debug, debug_span, info, warn};

thread_local! {
    /// Whether a subscriber handles an event of ours on this thread.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Calls the subscriber (invariant 2).
fn tell<R>(told: impl FnOnce() -> R) -> Option<R> {
    struct Telling;

    impl Drop for Telling {
        fn drop(&mut self) {
            TELLING.set(false);
        }
    }

    if TELLING.replace(true) {
        return None;
    }
    // Also if the subscriber panics.
    let _telling = Telling;
    Some(told())
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(feature = "diagnose")]
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The span of a sweep, which the thread has entered. It is left when this is dropped.
pub(crate) struct Span(Option<EnteredSpan>);

impl Span {
    /// `pool`: the only pool of the sweep.
    pub(crate) fn enter(work: &'static str, pool: Option<&str>) -> Self {
        let enter = || debug_span!(target: "pool_runtime", "sweep", work, pool).entered();
        Self(tell(enter))
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let span = self.0.take();
        tell(|| drop(span));
    }
}

/// A sweep is over, and its objects are dropped.
pub(crate) fn swept(work: &str, pool: Option<&str>, pools: usize, objects: usize, bytes: usize, duration: Duration) {
    let duration_us = micros(duration);
    tell(|| debug!(target: "pool_runtime", work, pool, pools, objects, bytes, duration_us, "swept"));
}

/// A pool has been used for the first time, some time before this sweep.
pub(crate) fn started(pool: &str, max_idle: usize) {
    tell(|| debug!(target: "pool_runtime", pool, max_idle, "pool started"));
}

/// The bound of a pool has changed, by a call or with the number of CPUs.
pub(crate) fn bound_changed(pool: &str, before: usize, max_idle: usize) {
    tell(|| info!(target: "pool_runtime", pool, before, max_idle, "bound changed"));
}

/// A source reports that memory is short. The answer comes next.
pub(crate) fn pressure(level: &str) {
    tell(|| info!(target: "pool_runtime", level, "memory pressure"));
}

/// A source of pressure does not work any more.
pub(crate) fn lost_source(source: &dyn Display, error: &str) {
    tell(|| warn!(target: "pool_runtime", %source, error, "source of memory pressure lost"));
}

/// The collector has taken a step.
pub(crate) fn stepped(level: &str, objects: usize, bytes: usize, duration: Duration, trim: Option<Duration>) {
    let (duration_us, trim_us) = (micros(duration), trim.map(micros));
    tell(|| debug!(target: "pool_runtime", level, objects, bytes, duration_us, trim_us, "collector step"));
}

/// An object is held for long.
#[cfg(feature = "diagnose")]
pub(crate) fn overdue(pool: &str, place: &dyn Display, held: Duration, backtrace: Option<&str>) {
    let held_ms = millis(held);
    tell(|| warn!(target: "pool_runtime", pool, %place, held_ms, backtrace, "held for long"));
}

/// An object that was held for long has returned.
#[cfg(feature = "diagnose")]
pub(crate) fn returned(pool: &str, place: &dyn Display, held: Duration) {
    let held_ms = millis(held);
    tell(|| info!(target: "pool_runtime", pool, %place, held_ms, "returned after long"));
}

/// Whether the subscriber wants to know of objects that are still in use.
#[cfg(feature = "diagnose")]
pub(crate) fn wants_still_in_use() -> bool {
    tell(|| tracing::enabled!(target: "pool_runtime", tracing::Level::WARN)).unwrap_or(false)
}

/// So many objects of a pool are still in use at the end of the program or of the pool.
#[cfg(feature = "diagnose")]
pub(crate) fn still_in_use(pool: &str, when: &str, objects: usize) {
    tell(|| warn!(target: "pool_runtime", pool, when, objects, "still in use"));
}

/// The recorded objects among them that were acquired at one place.
#[cfg(feature = "diagnose")]
pub(crate) fn still_in_use_from(
    pool: &str,
    place: &dyn Display,
    objects: usize,
    oldest: Duration,
    backtrace: Option<&str>,
) {
    let oldest_ms = millis(oldest);
    tell(|| warn!(target: "pool_runtime", pool, %place, objects, oldest_ms, backtrace, "still in use, acquired here"));
}
