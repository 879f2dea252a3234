//! The primitives under the storage: std's and parking_lot's, or loom's of the same names under `--cfg pool_loom`.
//!
//! Under loom a primitive orders no more than the one that it stands for: a model that is stronger than the program proves nothing. So
//! the mutex is spelt out as parking_lot 0.12 has it, on loom's atomics (loom's own is sequentially consistent), and a store is a store.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

#[cfg(all(not(pool_loom), not(target_has_atomic = "64")))]
pub(crate) use core::sync::atomic::AtomicU32 as AtomicWord;
#[cfg(all(not(pool_loom), target_has_atomic = "64"))]
pub(crate) use core::sync::atomic::AtomicU64 as AtomicWord;
#[cfg(not(pool_loom))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicIsize, AtomicPtr, AtomicU8, AtomicUsize, fence};
#[cfg(not(pool_loom))]
pub(crate) use parking_lot::{Mutex, MutexGuard};

#[cfg(pool_loom)]
pub(crate) use self::mutex::{Mutex, MutexGuard};
#[cfg(pool_loom)]
pub(crate) use loom::sync::atomic::AtomicU64 as AtomicWord;
#[cfg(pool_loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicIsize, AtomicPtr, AtomicU8, AtomicUsize, fence};

/// The largest integer that the processor has atomic operations on, but for those on two registers.
#[cfg(any(pool_loom, target_has_atomic = "64"))]
pub(crate) type Word = u64;
#[cfg(not(any(pool_loom, target_has_atomic = "64")))]
pub(crate) type Word = u32;

/// parking_lot's mutex, as far as it is used: no thread waits for it, so no thread is parked (`raw_mutex.rs`, 0.12.0 to 0.12.5).
#[cfg(pool_loom)]
mod mutex {
    use core::ops::{Deref, DerefMut};
    use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

    use loom::cell::{MutPtr, UnsafeCell};
    use loom::sync::atomic::AtomicBool;

    pub(crate) struct Mutex<T> {
        locked: AtomicBool,
        value: UnsafeCell<T>,
    }

    pub(crate) struct MutexGuard<'a, T> {
        locked: &'a AtomicBool,
        /// `None` once the guard is being dropped. loom looks at how long the value is borrowed.
        value: Option<MutPtr<T>>,
    }

    // SAFETY: a thread reaches the value through the guard alone, and there is one guard at a time; loom watches.
    unsafe impl<T: Send> Sync for Mutex<T> {}

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self { locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
        }

        /// May fail although the lock is free by now: the first look is `Relaxed`.
        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            if self.locked.load(Relaxed) {
                return None;
            }
            let locked = self.locked.compare_exchange(false, true, Acquire, Relaxed).is_ok();
            locked.then(|| MutexGuard { locked: &self.locked, value: Some(self.value.get_mut()) })
        }

        pub(crate) fn is_locked(&self) -> bool {
            self.locked.load(Relaxed)
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            // SAFETY: the lock is held.
            unsafe { self.value.as_ref().unwrap().deref() }
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: the lock is held.
            unsafe { self.value.as_ref().unwrap().deref() }
        }
    }

    impl<T> Drop for MutexGuard<'_, T> {
        fn drop(&mut self) {
            self.value = None;
            self.locked.compare_exchange(true, false, Release, Relaxed).unwrap();
        }
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

/// A `Relaxed` store over a word that other threads exchange. loom orders two writes only if one thread has seen the other's, and
/// so lets this store stand before an exchange that came first and found the value of before. So under loom it is an exchange, too.
/// That is stronger in one thing: writes that were released with the value of before are released with this one, too. So it is for
/// values that no thread acquires.
#[cfg(not(pool_loom))]
pub(crate) fn store_over_exchanges(atomic: &AtomicUsize, value: usize) {
    atomic.store(value, core::sync::atomic::Ordering::Relaxed);
}

#[cfg(pool_loom)]
pub(crate) fn store_over_exchanges(atomic: &AtomicUsize, value: usize) {
    atomic.swap(value, core::sync::atomic::Ordering::Relaxed);
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
