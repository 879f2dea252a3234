//! The live pools of the process, and what is done to all of them.
//!
//! # Invariants
//!
//! 1. A pool enters the list at its first use, without a lock, before it is started; it never leaves.
//! 2. Threads that use a pool first at the same moment may each add an entry. The one that the pool's own pointer names
//!    counts; the others are passed over.
//! 3. One sweep runs at a time. User code never runs inside one: what a sweep takes is dropped after it.
//! 4. The lock names the process that holds it (`process`). In a forked child, a lock held by a thread of the parent, which does not
//!    exist here, is taken over: what that sweep was about to drop is lost to the child, and the pools that it had
//!    stopped are let run by the child's first sweep.
//!
//! # Orderings
//!
//! An entry is published with `Release`, and the list is read with `Acquire`. The sweep lock is taken with `Acquire` and
//! left with `Release`.

use core::mem;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicU32};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::cpu;
use crate::object::Object;
use crate::process;
use crate::stats::{Rows, Stats};
use crate::store::Store;
use crate::sync::Backoff;

/// Clears every pool of the process: all objects that are idle when it begins are dropped, by the calling thread,
/// before it returns.
///
/// Objects in use are not touched, and acquire and release go on everywhere meanwhile. It may wait for another `collect`
/// or [`age`], and for a thread that is moving idle objects at this moment, which runs no user code in between. A wait that is
/// longer than some yields is a sleep, so that a thread with a real-time policy lets the other run. It may be called from anywhere, a
/// `Drop` inside of a `collect` included, but not from a memory allocator or a signal handler.
///
/// Costs a visit to each slot of each pool, and the drops.
///
/// # Panics
///
/// If the `Drop` of an object panics: all the others are dropped first, and then the first panic goes on.
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
    sweep(&stores(), Store::take_all);
}

/// Takes one ageing step in every pool of the process: objects that were idle at the last step and have not been
/// acquired since are dropped; those that are idle now are next in turn.
///
/// Called at an interval, it lets a pool shrink to what its program has used in one. It waits and costs as
/// [`collect`] does.
///
/// # Panics
///
/// As for [`collect`].
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
    sweep(&stores(), Store::take_aged);
}

/// The statistics of every pool that has been used, in no particular order. Printed, they are a table.
///
/// Costs a few loads for each slot of each pool, and stops nobody: of 1,000 pools about 0.1 ms. It allocates, so it is not for signal
/// handlers.
///
/// # Examples
///
/// ```
/// println!("{}", pool_runtime::registry::stats());
/// ```
pub fn stats() -> Rows {
    Rows(stores().into_iter().map(Store::stats).collect())
}

/// Every pool that has been used, in no particular order.
///
/// # Examples
///
/// ```
/// for pool in pool_runtime::registry::pools() {
///     println!("{}: {} idle of at most {}", pool.name(), pool.idle(), pool.max_idle());
/// }
/// ```
pub fn pools() -> Vec<AnyPool> {
    stores().into_iter().map(AnyPool).collect()
}

/// A pool of the process, whatever its type. See [`Pool`](crate::Pool) for what the methods do.
#[derive(Clone, Copy)]
pub struct AnyPool(pub(crate) &'static Store);

impl AnyPool {
    /// The pool's name: the type's path, or the derive's key `name`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What the pool holds and has done.
    pub fn stats(self) -> Stats {
        self.0.stats()
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
        sweep(&[self.0], Store::take_above);
    }

    /// Drops every idle object.
    pub fn collect(self) {
        sweep(&[self.0], Store::take_all);
    }

    /// Takes one ageing step.
    pub fn age(self) {
        sweep(&[self.0], Store::take_aged);
    }
}

impl core::fmt::Debug for AnyPool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("AnyPool").field(&self.0.name).finish()
    }
}

/// Drops an object.
///
/// # Safety
///
/// The object is of the pool that the function belongs to.
pub(crate) type Dispose = unsafe fn(Object);

/// A pool's place in the list.
pub(crate) struct Entry {
    store: &'static Store,
    next: AtomicPtr<Entry>,
}

static HEAD: AtomicPtr<Entry> = AtomicPtr::new(ptr::null_mut());

/// The process in which the first pool was used.
static HOME: AtomicU32 = AtomicU32::new(0);

/// The process whose thread is in a sweep; zero if none is.
static SWEEPING: AtomicU32 = AtomicU32::new(0);

/// Puts a pool on the list, unless it is there.
pub(crate) fn add(store: &'static Store) {
    if !store.entry.load(Acquire).is_null() {
        return;
    }
    // Asking is a system call.
    if HOME.load(Relaxed) == 0 {
        let _ = HOME.compare_exchange(0, process::current(), Relaxed, Relaxed);
    }
    let entry = Box::leak(Box::new(Entry { store, next: AtomicPtr::default() }));
    let mut head = HEAD.load(Relaxed);
    loop {
        entry.next.store(head, Relaxed);
        match HEAD.compare_exchange_weak(head, entry, Release, Relaxed) {
            Ok(_) => break,
            Err(now) => head = now,
        }
    }
    // Release: pairs with `stores`; who sees the entry named here finds it in the list.
    let _ = store.entry.compare_exchange(ptr::null_mut(), entry, Release, Relaxed);
}

/// Whether this process is a child of the one in which the first pool was used, made by `fork` without `exec`.
pub(crate) fn is_forked() -> bool {
    HOME.load(Relaxed) != process::current()
}

fn stores() -> Vec<&'static Store> {
    let mut stores = Vec::new();
    let mut place = &HEAD;
    // SAFETY: an entry is leaked when it is added, and never freed.
    while let Some(entry) = unsafe { place.load(Acquire).as_ref() } {
        if ptr::eq(entry.store.entry.load(Acquire), entry) {
            stores.push(entry.store);
        }
        place = &entry.next;
    }
    stores
}

/// Stops the pools, takes objects out of each, lets the pools run again, and drops the objects.
pub(crate) fn sweep(stores: &[&'static Store], take: impl Fn(&'static Store, bool) -> Vec<Object>) {
    let mut taken = Vec::new();
    {
        let _one_at_a_time = lock();
        let stopped = stores.iter().filter(|store| store.tables.stop());
        let stopped: Vec<&'static Store> = stopped.copied().collect();
        // One fence, however many pools.
        let fenced = !stopped.is_empty() && cpu::fence();
        if !fenced {
            stopped.iter().for_each(|store| store.unfenced.add(1));
        }
        if cfg!(pool_inject) && fenced {
            stopped.iter().for_each(|store| store.assert_still());
        }
        let objects = stopped.iter().map(|&store| (store, take(store, fenced)));
        taken.extend(objects.filter(|(_, objects)| !objects.is_empty()));
        stopped.iter().for_each(|store| store.tables.restart());
    }
    let mut panic = None;
    for (store, objects) in taken {
        for object in objects {
            // SAFETY: the object was taken out of this store.
            match catch_unwind(AssertUnwindSafe(|| unsafe { (store.dispose)(object) })) {
                Err(payload) if panic.is_none() => panic = Some(payload),
                // The drop of a payload may panic in its turn.
                result => mem::forget(result),
            }
            // Not before: until now it took up memory (invariant 1 of `bound`).
            store.bound.give_back(1);
        }
    }
    if let Some(payload) = panic {
        resume_unwind(payload);
    }
}

/// The right to sweep.
struct Sweeping;

fn lock() -> Sweeping {
    let us = process::current();
    let mut backoff = Backoff::new();
    // Acquire: pairs with the store of the last sweep.
    while let Err(holder) = SWEEPING.compare_exchange(0, us, Acquire, Relaxed) {
        // Invariant 4.
        if holder != us && SWEEPING.compare_exchange(holder, us, Acquire, Relaxed).is_ok() {
            break;
        }
        backoff.snooze();
    }
    Sweeping
}

impl Drop for Sweeping {
    fn drop(&mut self) {
        SWEEPING.store(0, Release);
    }
}
