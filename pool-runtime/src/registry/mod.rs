//! The live pools of the process, and what is done to all of them. The list is in `live`, the lock in `sweeping`, and what becomes of objects that
//! a sweep has taken out in `drops`.
//!
//! # Invariants
//!
//! 1. A pool enters the list at its first use, without a lock, before it is started. Its registration stays until its library is unloaded,
//!    and so does what it says. A pool that [leaves](crate::Pool::leave) is marked, and stays stopped; its first use from then on, which misses and
//!    goes the slow way, takes the mark off.
//! 2. Threads that use a pool first at the same moment may each add a registration. The one that the pool's own pointer names
//!    counts; each thread marks its other one.
//! 3. One sweep runs at a time. User code never runs inside one: what a sweep takes is dropped after it.
//! 4. The lock names the process that holds it (`process`). In a forked child, a lock held by a thread of the parent, which does not
//!    exist here, is taken over: what that sweep was about to drop is lost to the child, but for the room that it took up (invariant 5 of
//!    `bound`), and the pools that it had stopped are let run by their first use that finds them stopped, or by the child's first sweep.
//! 5. Registrations are read, marked and taken out under the lock alone. What a registration leads to is read where it is not marked, so a marked
//!    one may outlive its pool.
//! 6. A thread that has taken objects out of a pool has its registration *pending* until they are dropped, since their `Drop` is the library's code.
//!    A library that is unloaded first takes its registrations out of the list, so that no thread begins, and waits for those that have begun. Then no thread
//!    uses its pools.
//!
//! # Orderings
//!
//! A registration is published with `Release`, and the list is read with `Acquire`. The sweep lock is taken with `Acquire` and
//! left with `Release`, and so is what is pending.

pub(crate) mod rows;

use core::error::Error;
use core::fmt;
use core::mem;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

use crate::machine::cpus::recount;
use crate::machine::decision;
use crate::machine::library::Library;
use crate::machine::report::report;
use crate::slots::object::Object;
use crate::stats::{AllStats, Stats};
use crate::storage::drops::{Pending, Swept, drop_all};
use crate::storage::live::{Listed as _, Registration};
use crate::storage::store::{POOLS, Store};
use crate::storage::sweep::ATTEMPTS;
use crate::storage::sweeping::{lock, wait_while};
use crate::sync::fence;

/// Clears every pool of the process: all objects that are idle when it begins are dropped, by the calling thread,
/// before it returns.
///
/// Objects in use are not touched, and acquire and release go on everywhere meanwhile. It may wait for another `collect`
/// or [`age`], and for a thread that is moving idle objects at this moment, which runs no user code in between. A wait that is
/// longer than some yields is a sleep, so that a thread with a real-time policy lets the other run. It may be called from anywhere, a
/// `Drop` inside of a `collect` included, but not from a memory allocator or a signal handler.
///
/// Costs a visit to each slot of each pool, and the drops. What another thread has taken out to drop it, or weighs in an ageing step of its own, is dropped by
/// that thread.
///
/// On Linux a filter may refuse the calls by which the threads of a process are had out of its pools
/// ([system calls](crate::system_calls)). Then the local stacks are left alone: what lies there stays idle, and is counted as such, and
/// [`Stats::unfenced`](crate::stats::Stats::unfenced) counts the sweep.
///
/// # Panics
///
/// If the `Drop` of an object panics, or its `weigh`: all are dropped first, and then the first panic goes on.
///
/// # Signal handlers
///
/// Not from one: it may wait for the thread that the handler has interrupted, and so for ever. A handler sets a flag, or writes to a pipe,
/// for a thread that collects.
///
/// # Examples
///
/// ```
/// use pool_runtime::Pooled;
///
/// #[derive(Default, Pooled)]
/// struct Line(Vec<u8>);
///
/// drop(Line::acquire());
/// pool_runtime::collect();
/// assert_eq!(Line::pool().idle(), 0);
/// ```
pub fn collect() {
    collect_all().go_on();
}

/// Takes one ageing step in every pool of the process: objects that were idle at the last step and have not been
/// acquired since are dropped; those that are idle now are next in turn.
///
/// Called at an interval, it lets a pool shrink to what its program has used in one. It waits and costs as
/// [`collect`] does, and a system call more: pools without a bound of their own follow the number of CPUs that the process may use
/// by now. Each object whose type says what it weighs (the derive's key `weigh`) is asked.
///
/// # Panics
///
/// As for [`collect`], and if a `weigh` panics: that costs its object, and no other.
///
/// # Signal handlers
///
/// Not from one, as for [`collect`].
///
/// # Examples
///
/// ```
/// use pool_runtime::Pooled;
///
/// #[derive(Default, Pooled)]
/// struct Line(Vec<u8>);
///
/// drop(Line::acquire());
/// pool_runtime::age();
/// assert_eq!(Line::pool().idle(), 1);
/// pool_runtime::age();
/// assert_eq!(Line::pool().idle(), 0);
/// ```
pub fn age() {
    age_all().go_on();
}

/// The statistics of every pool that has been used, in no particular order. Printed, they are a table.
///
/// Costs a few loads for each slot of each pool, and stops no acquire and no release: of 1,000 pools about 0.1 ms. It may wait for
/// a [`collect`] or an [`age`] of another thread, but not for what they drop; so not from a memory allocator, as with those, nor
/// from a signal handler. The names stay where they are when a library is unloaded whose pools they are of.
///
/// # Examples
///
/// ```
/// println!("{}", pool_runtime::registry::stats());
/// ```
pub fn stats() -> AllStats {
    let _lock = lock();
    AllStats(POOLS.listed().into_iter().map(Store::stats).collect())
}

/// Every pool that has been used, in no particular order. It may wait as [`stats`] does.
///
/// # Examples
///
/// ```
/// for pool in pool_runtime::registry::pools() {
///     println!("{}: {} idle of at most {}", pool.name(), pool.idle(), pool.max_idle());
/// }
/// ```
pub fn pools() -> Vec<PoolHandle> {
    let _lock = lock();
    POOLS.listed().into_iter().map(PoolHandle).collect()
}

/// A pool of the process, whatever its type. See [`Pool`](crate::Pool) for what the methods do.
///
/// It is not to be used once the library is unloaded that the pool is part of: see [libraries](crate::libraries).
#[derive(Clone, Copy)]
pub struct PoolHandle(pub(crate) &'static Store);

impl PoolHandle {
    /// The pool's name: the type's path, or the derive's key `name`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the pool holds and has done.
    pub fn stats(self) -> Stats {
        self.0.stats()
    }

    /// What the pool holds and has done, at one moment.
    pub fn settled_stats(self) -> Option<Stats> {
        settled_stats(self.0)
    }

    /// How many objects are in the pool.
    pub fn idle(self) -> usize {
        self.0.idle()
    }

    /// How many objects the pool may keep.
    pub fn max_idle(self) -> usize {
        self.0.bound.max()
    }

    /// Sets how many objects the pool may keep, and drops what is above.
    pub fn set_max_idle(self, n: usize) {
        self.0.bound.set_max(n);
        sweep(|| vec![self.0], Store::take_above).go_on();
    }

    /// Drops every idle object.
    pub fn collect(self) {
        sweep(|| vec![self.0], Store::take_all).go_on();
    }

    /// Takes one ageing step.
    pub fn age(self) {
        recount();
        sweep(|| vec![self.0], Store::take_aged).go_on();
    }

    /// Takes the pool out of the registry, before its library is unloaded.
    ///
    /// # Errors
    ///
    /// If objects of the pool are in use.
    pub fn leave(self) -> Result<(), StillInUse> {
        leave(self.0)
    }
}

impl core::fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("PoolHandle").field(&self.0.name()).finish()
    }
}

/// Why a pool does not leave the registry.
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

/// [`collect`], and what was dropped.
pub(crate) fn collect_all() -> Swept {
    sweep(|| POOLS.listed(), Store::take_all)
}

/// [`age`], and what was dropped.
pub(crate) fn age_all() -> Swept {
    recount();
    sweep(|| POOLS.listed(), Store::take_aged)
}

/// Drops victims until what the pools weighed at the last step is no more than `budget`: of each pool the same share, and in it first what was released first.
pub(crate) fn shrink_to(budget: usize) -> Swept {
    let mut swept = Swept::default();
    loop {
        let taken: Vec<Pending> = {
            let _one_at_a_time = lock();
            let stores = POOLS.listed();
            let sum = stores.iter().fold(0_usize, |sum, store| sum.saturating_add(store.reckon()));
            if sum <= budget {
                return swept;
            }
            stores.iter().filter_map(|store| Pending::new(store, store.take_share(budget, sum))).collect()
        };
        if taken.is_empty() {
            return swept;
        }
        for mut pending in taken {
            let (objects, bytes) = (swept.objects, swept.bytes);
            pending.drop_objects(&mut swept);
            pending.registration.store.scales.lighten(swept.bytes - bytes, swept.objects - objects);
        }
    }
}

/// Stops the pools, takes objects out of each, lets the pools run again, drops the objects, and weighs what an ageing step has left.
pub(crate) fn sweep(
    stores: impl FnOnce() -> Vec<&'static Store>,
    take: impl Fn(&'static Store, bool) -> Vec<Object>,
) -> Swept {
    let mut taken = Vec::new();
    {
        let _one_at_a_time = lock();
        let mut stopped = stores();
        stopped.retain(|store| store.tables.stop());
        // One fence, however many pools.
        let fenced = !stopped.is_empty() && decision::fence();
        if !fenced {
            stopped.iter().for_each(|store| store.unfenced.add(1));
        }
        if cfg!(pool_inject) && fenced {
            stopped.iter().for_each(|store| store.assert_still());
        }
        taken.extend(stopped.iter().filter_map(|store| Pending::new(store, take(store, fenced))));
        stopped.iter().for_each(|store| restart(store));
    }
    drop_all(taken)
}

/// Lets a pool run again after a sweep, unless it has left.
fn restart(store: &'static Store) {
    if !store.registration().is_some_and(Registration::has_left) {
        store.tables.restart();
    }
}

/// Statistics of one pool and of one moment, which the pool is stopped for.
fn settled_stats(store: &'static Store) -> Option<Stats> {
    let _one_at_a_time = lock();
    for _ in 0..ATTEMPTS {
        let before = store.counted();
        // Acquire: the counters are read before and after the pool is asked whether it was started.
        fence(Acquire);
        if store.tables.stop() {
            let settled = store.settled(decision::fence());
            restart(store);
            return settled;
        }
        // It was not used yet, or pooling is off: nothing is idle.
        let mut after = store.counted();
        if after.came_and_went() == before.came_and_went() {
            after.balance();
            return Some(after);
        }
    }
    None
}

/// Takes a pool out of the registry, but for what it has of the heap.
fn leave(store: &'static Store) -> Result<(), StillInUse> {
    let Some(registration) = store.registration() else { return Ok(()) };
    let taken = {
        let _one_at_a_time = lock();
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

/// The library that the code of this function is in, whose pools leave the registry when it is unloaded (invariant 1 of `library`).
#[inline]
pub(crate) fn own_library() -> Library {
    Library::of_this_code(forget)
}

/// Takes all pools of a library out of the registry, with all that they have. Standard error is told if objects are in use.
///
/// # Safety
///
/// The library is about to be unloaded: no thread is in its code, nor will be, but for this one, and for those that drop its objects
/// after a sweep.
unsafe fn forget(library: Library) {
    let registrations = {
        let _lock = lock();
        POOLS.take_out(|registration| registration.store.library() == library)
    };
    // Invariant 6. No registration becomes pending, but while another is.
    wait_while(|| registrations.iter().any(|registration| registration.is_pending()));
    let mut taken = Vec::new();
    {
        let _one_at_a_time = lock();
        for registration in &registrations {
            let store = registration.store;
            if !registration.is_own() {
                continue;
            }
            let objects = store.stats().in_use;
            if objects > 0 {
                let error = StillInUse { pool: registration.name(), objects };
                report(&format!("pool-runtime: a library is unloaded: {error}\n"));
            }
            store.tables.stop();
            // No sequence is at work: the code that would be in one has been left (the caller's promise).
            taken.extend(Pending::new(store, store.take_all(true)));
            store.place.clear();
            // SAFETY: it is empty by now, and no thread uses it (the caller's promise).
            unsafe { store.tables.clear() };
        }
    }
    // What it would be told of by a panic is the library's, too.
    mem::forget(drop_all(taken));
    for registration in registrations {
        // SAFETY: it is out of the list, no store names it, and it is not pending.
        unsafe { registration.free() };
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use core::sync::atomic::Ordering::Release;

    use super::*;
    use crate::machine::process;
    use crate::storage::sweeping::SWEEPING;
    use crate::{Pool, Pooled};

    /// In a child of `fork`, which has the lock and the pool as a thread of its parent had them at that moment.
    #[test]
    fn a_pool_that_another_process_has_stopped_runs_again_when_it_is_used() {
        struct Page;
        impl Pooled for Page {
            fn pool() -> &'static Pool<Self> {
                static POOL: Pool<Page> = Pool::new("page");
                &POOL
            }
            fn create_object() -> Self {
                Self
            }
            fn reset_object(_: &mut Self) {}
        }

        drop(Page::acquire());
        let PoolHandle(store) = pools().into_iter().find(|pool| pool.name() == "page").expect("it was used");
        if decision::is_off() {
            return;
        }
        // Sweeps of other tests take the lock over, too; they do not let this pool run.
        core::mem::forget(lock());
        store.tables.stop();
        Page::prefill(1);
        assert!(!store.tables.is_running(), "a sweep of this process will let it run");
        SWEEPING.store(process::current() + 1, Release);
        // A sweep of another test may have the lock by now.
        let runs = (0..10_000).any(|_| {
            Page::prefill(1);
            std::thread::yield_now();
            store.tables.is_running()
        });
        assert!(runs);
    }
}
