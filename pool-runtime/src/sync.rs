//! The primitives under the storage: std's and parking_lot's, or loom's of the same names under `--cfg pool_loom`.

use core::sync::atomic::Ordering;
#[cfg(not(pool_loom))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicIsize, AtomicPtr, AtomicU8, AtomicUsize};
#[cfg(not(pool_loom))]
pub(crate) use crossbeam_utils::Backoff;
#[cfg(not(pool_loom))]
pub(crate) use parking_lot::{Mutex, MutexGuard};

#[cfg(pool_loom)]
pub(crate) use loom::sync::MutexGuard;
#[cfg(pool_loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicIsize, AtomicPtr, AtomicU8, AtomicUsize};

/// loom's mutex with parking_lot's signatures.
#[cfg(pool_loom)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(pool_loom)]
impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.0.try_lock().is_err()
    }
}

/// Lets loom run the other threads, in place of crossbeam's exponential back-off.
#[cfg(pool_loom)]
pub(crate) struct Backoff;

#[cfg(pool_loom)]
impl Backoff {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn snooze(&self) {
        loom::thread::yield_now();
    }

    pub(crate) fn is_completed(&self) -> bool {
        false
    }
}

/// As many atomics as the array has, all zero.
#[cfg(not(pool_loom))]
pub(crate) const fn zeros<const N: usize>() -> [AtomicUsize; N] {
    [const { AtomicUsize::new(0) }; N]
}

#[cfg(pool_loom)]
pub(crate) fn zeros<const N: usize>() -> [AtomicUsize; N] {
    core::array::from_fn(|_| AtomicUsize::new(0))
}

/// A store. loom lets one stand before another thread's exchange that it came after, unless it is an exchange, too.
#[cfg(not(pool_loom))]
pub(crate) fn store(atomic: &AtomicUsize, value: usize, ordering: Ordering) {
    atomic.store(value, ordering);
}

#[cfg(pool_loom)]
pub(crate) fn store(atomic: &AtomicUsize, value: usize, ordering: Ordering) {
    atomic.swap(value, ordering);
}

/// Defines a function that is `const`, but under loom, whose atomics have no `const` constructors.
macro_rules! const_fn {
    ($(#[$attribute:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(pool_loom))]
        $(#[$attribute])*
        $vis const fn $($rest)*

        #[cfg(pool_loom)]
        $(#[$attribute])*
        $vis fn $($rest)*
    };
}
pub(crate) use const_fn;
