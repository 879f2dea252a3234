//! The right to sweep, the registry's lock: a single thread of the process has it at a time (invariants 3 and 4 of `registry`).
//!
//! # Orderings
//!
//! The lock is taken with `Acquire` and left with `Release`.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::machine::process;
use crate::storage::backoff::Backoff;

/// The process whose thread is in a sweep; zero if none is.
pub(crate) static SWEEPING: AtomicU32 = AtomicU32::new(0);

/// The right to sweep.
pub(crate) struct Sweeping;

/// The lock, if no thread of this process has it (invariant 4 of `registry`).
pub(crate) fn try_lock() -> Option<Sweeping> {
    let us = process::current();
    let holder = SWEEPING.load(Relaxed);
    // Acquire: pairs with the store of the last sweep.
    let taken = holder != us && SWEEPING.compare_exchange(holder, us, Acquire, Relaxed).is_ok();
    taken.then(|| Sweeping)
}

pub(crate) fn lock() -> Sweeping {
    let mut backoff = Backoff::new();
    loop {
        if let Some(lock) = try_lock() {
            return lock;
        }
        backoff.snooze();
    }
}

impl Drop for Sweeping {
    fn drop(&mut self) {
        SWEEPING.store(0, Release);
    }
}

/// Waits while a condition holds that threads of this process end: in a forked child, too, the wait has an end.
pub(crate) fn wait_while(condition: impl Fn() -> bool) {
    let mut backoff = Backoff::new();
    while condition() {
        backoff.snooze();
    }
}
