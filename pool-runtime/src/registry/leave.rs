//! A pool leaves the registry by a call, or when its library is unloaded. The invariants are those of `registry`.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::error::Error;
use core::fmt;
use core::mem;
use core::sync::atomic::Ordering::Relaxed;

#[cfg(feature = "diagnose")]
use crate::diagnose;
use crate::machine::decision;
use crate::machine::library::Library;
use crate::machine::report::report;
use crate::registry::sweeps::restart;
use crate::storage::drops::{Pending, drop_all};
use crate::storage::live::Listed as _;
#[cfg(feature = "diagnose")]
use crate::storage::live::Registration;
use crate::storage::owned::KINDS;
use crate::storage::store::{POOLS, Store};
use crate::storage::sweeping::{lock, wait_while};

/// The reason why a pool does not leave the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillInUse {
    pool: &'static str,
    objects: usize,
}

impl StillInUse {
    /// The pool's name.
    pub fn pool(&self) -> &'static str {
        self.pool
    }

    /// How many of its objects are in use.
    pub fn objects(&self) -> usize {
        self.objects
    }
}

impl fmt::Display for StillInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (objects, are) = if self.objects == 1 { ("object", "is") } else { ("objects", "are") };
        write!(f, "{} {objects} of the pool `{}` {are} in use: drop the guards first", self.objects, self.pool)
    }
}

impl Error for StillInUse {}

/// Takes a pool out of the registry, and leaves its slots and tables on the heap.
pub(super) fn leave(store: &'static Store) -> Result<(), StillInUse> {
    let Some(registration) = store.registration() else { return Ok(()) };
    let taken = {
        let _one_at_a_time = lock();
        if store.is_closed() {
            return Ok(());
        }
        let started = store.tables.stop();
        let fenced = started && decision::fence();
        let objects = store.settled(fenced).unwrap_or_else(|| store.stats()).in_use;
        if objects > 0 {
            if started {
                restart(store);
            }
            return Err(StillInUse { pool: registration.name(), objects });
        }
        // It stays stopped.
        registration.marked.store(true, Relaxed);
        Pending::new(store, store.take_all(fenced))
    };
    drop_all(taken).go_on();
    wait_while(|| registration.is_pending());
    Ok(())
}

/// The library that contains the code of this function. Its pools leave the registry when it is unloaded (invariant 1 of `library`).
#[inline]
pub(crate) fn own_library() -> Library {
    Library::of_this_code(forget)
}

/// Takes all pools of a library out of the registry, with all their objects and memory. Writes to standard error if objects are in use.
///
/// # Safety
///
/// The library is about to be unloaded: no thread is in its code, nor will be, but for the calling thread, and for those that drop its objects after
/// a sweep.
unsafe fn forget(library: Library) {
    let registrations = {
        let _lock = lock();
        KINDS.forget(library);
        POOLS.take_out(|registration| registration.store.library() == library)
    };
    // Invariant 6. No registration becomes pending, but while another is.
    wait_while(|| registrations.iter().any(|registration| registration.is_pending()));
    #[cfg(feature = "diagnose")]
    registrations.iter().for_each(|registration| report_places(registration));
    let mut taken = Vec::new();
    {
        let _one_at_a_time = lock();
        for registration in &registrations {
            let store = registration.store;
            if !registration.is_own() {
                continue;
            }
            let objects = match store.life().filter(|life| life.is_closed()) {
                // Its counters stand still since the pool was dropped.
                Some(life) => life.out(),
                None => store.stats().in_use,
            };
            if objects > 0 {
                let error = StillInUse { pool: registration.name(), objects };
                report(&format!("pool-runtime: a library is unloaded: {error}\n"));
            }
            #[cfg(feature = "diagnose")]
            diagnose::forget(&_one_at_a_time, store);
            store.tables.stop();
            // No sequence is at work: all threads have left the code that would run one (the caller's promise).
            taken.extend(Pending::new(store, store.take_all(true)));
            store.place.clear();
            // SAFETY: it is empty by now, and no thread uses it (the caller's promise).
            unsafe { store.tables.clear() };
        }
    }
    // The payload of a panic is the library's, too.
    mem::forget(drop_all(taken));
    for registration in registrations {
        // SAFETY: it is out of the list, no store names it, and it is not pending.
        unsafe { registration.free() };
    }
}

/// Writes to standard error where the objects were acquired whose library is unloaded. The lock is not held.
#[cfg(feature = "diagnose")]
fn report_places(registration: &Registration<Store>) {
    let rows = diagnose::in_use_of(registration.store);
    if !rows.is_empty() {
        let pool = registration.name();
        report(&format!("pool-runtime: a library is unloaded while its pool `{pool}` has objects in use:\n{rows:#}\n"));
    }
}
