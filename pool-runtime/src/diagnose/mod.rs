//! The places that hold objects: a sample of the acquires is recorded, with place and time, until the object comes back. Feature `diagnose`.
//!
//! [`registry::in_use_report`](crate::registry::in_use_report) groups the recorded objects that are out by the place of their acquire, and tells how
//! long they have been out. [`check`] tells, once, of each object that is held for longer than a threshold, and of its return. At the end of the
//! program [`registry::report_at_end`](crate::registry::report_at_end) tells of all that is still out. A page has it all together:
//! [diagnosing](crate::diagnosing).
//!
//! The settings hold for all pools of the process, from the next acquire on. They are set by the application, at its start as a rule.

mod clock;
mod held;
mod place;
mod sample;
mod table;

use core::panic::Location;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;
use std::backtrace::Backtrace;
use std::sync::Arc;

use crate::storage::store::Store;
use table::Record;

#[cfg(feature = "tracing")]
pub(crate) use held::check_and_tell;
pub use held::{Check, Held, InUse, InUseReport, Place, check};
pub(crate) use held::{forget, in_use, in_use_of, in_use_of_others};

/// Sets how many acquires are recorded: one in `n` of each thread, on average. The default is 128. One records all; zero records none.
///
/// The distance of two samples is random, so that a thread that acquires at several places in turn is sampled at each. An object that is out is
/// recorded until it comes back, also if no acquire is recorded any more. A record takes a tenth of a microsecond and about 100 bytes, which
/// are used again for other objects and are never freed.
///
/// # Examples
///
/// ```
/// // A test wants to know all.
/// pool_runtime::diagnose::sample_every(1);
/// ```
pub fn sample_every(n: u32) {
    sample::set_every(n);
}

/// Sets whether a backtrace is recorded, too. By default it is not: the place of the call says enough as a rule.
///
/// A backtrace takes some microseconds and allocates, and it is released with the object. The acquire may wait for another thread that takes or prints
/// a backtrace at this moment, by std's lock. So a program whose signal handlers acquire leaves it off. The names of functions are looked up when a
/// report is made.
pub fn backtraces(on: bool) {
    sample::BACKTRACES.store(on, Relaxed);
}

/// Sets after how long an object counts as held for long: then [`check`] tells of it, once. By default no object does; `None` is the default again.
/// Counted in whole milliseconds.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// pool_runtime::diagnose::held_longer_than(Duration::from_secs(30));
/// # pool_runtime::diagnose::held_longer_than(None);
/// ```
pub fn held_longer_than(threshold: impl Into<Option<Duration>>) {
    let milliseconds =
        threshold.into().map(|threshold| usize::try_from(threshold.as_millis()).unwrap_or(sample::NEVER));
    sample::THRESHOLD.store(milliseconds.unwrap_or(sample::NEVER), Relaxed);
}

/// Records an acquire, if it is one of the sample. The object, at this address, is the calling thread's from now on.
#[inline]
#[track_caller]
pub(crate) fn acquired(store: &'static Store, object: *mut ()) {
    if sample::count_down() {
        record(store, object.addr(), Location::caller());
    }
}

/// Ends the record of an object, if there is one: its guard ends on the calling thread, and no other thread has the object yet.
#[inline]
pub(crate) fn released(object: *mut ()) {
    if table::may_have(object.addr()) {
        table::take_out(object.addr());
    }
}

/// Records an acquire, if the sample has come to it.
#[cold]
#[inline(never)]
fn record(store: &'static Store, object: usize, place: &'static Location<'static>) {
    // An object without a size has no address of its own (invariant 1 of `table`).
    if !sample::draw() || store.scales.size == 0 {
        return;
    }
    // From then on the pool's name lies in memory that stays.
    store.slot_or_make();
    let record = Record {
        pool: table::identity(store),
        name: store.name(),
        place: place::kept(place),
        since: clock::now(),
        backtrace: sample::BACKTRACES.load(Relaxed).then(|| Arc::new(Backtrace::force_capture())),
        every: sample::every(),
        told: false,
        returned: None,
    };
    table::enter(object, record);
}
