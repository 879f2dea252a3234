//! The live pools of the process, and what is done to all of them.
//!
//! # Invariants
//!
//! 1. A pool enters the list at its first use, without a lock, before it is started. Its entry stays until its library is unloaded,
//!    and so does what it says. A pool that [leaves](crate::Pool::leave) is marked, and stays stopped; its first use from then on, which misses and
//!    goes the slow way, takes the mark off.
//! 2. Threads that use a pool first at the same moment may each add an entry. The one that the pool's own pointer names
//!    counts; the others are marked by who made them.
//! 3. One sweep runs at a time. User code never runs inside one: what a sweep takes is dropped after it.
//! 4. The lock names the process that holds it (`process`). In a forked child, a lock held by a thread of the parent, which does not
//!    exist here, is taken over: what that sweep was about to drop is lost to the child, but for the room that it took up (invariant 5 of
//!    `bound`), and the pools that it had stopped are let run by their first use that finds them stopped, or by the child's first sweep.
//! 5. Entries are read, marked and taken out under the lock alone. What an entry leads to is read where it is not marked, so a marked
//!    one may outlive its pool.
//! 6. Who has taken objects out of a pool has its entry *pending* until they are dropped, since their `Drop` is the library's code.
//!    A library that is unloaded first takes its entries out of the list, so that nobody begins, and waits for who has begun. Then nobody uses
//!    its pools.
//!
//! # Orderings
//!
//! An entry is published with `Release`, and the list is read with `Acquire`. The sweep lock is taken with `Acquire` and
//! left with `Release`, and so is what is pending.

use core::any::Any;
use core::error::Error;
use core::fmt;
use core::mem;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::cpu;
use crate::library::{self, Library};
use crate::object::Object;
use crate::process;
use crate::stats::{Reason, Rows, Stats};
use crate::store::Store;
use crate::sweep::ATTEMPTS;
use crate::sync::{Backoff, fence};

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
/// ([system calls](crate::system_calls)). Then the private stacks are left alone: what lies there stays idle, and is counted as such, and
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
pub fn stats() -> Rows {
    let _nobody_leaves = lock();
    Rows(listed().into_iter().map(Store::stats).collect())
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
pub fn pools() -> Vec<AnyPool> {
    let _nobody_leaves = lock();
    listed().into_iter().map(AnyPool).collect()
}

/// A pool of the process, whatever its type. See [`Pool`](crate::Pool) for what the methods do.
///
/// It is not to be used once the library is unloaded that the pool is part of: see [libraries](crate::libraries).
#[derive(Clone, Copy)]
pub struct AnyPool(pub(crate) &'static Store);

impl AnyPool {
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
        cpu::recount();
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

impl core::fmt::Debug for AnyPool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("AnyPool").field(&self.0.name()).finish()
    }
}

/// Drops an object.
///
/// # Safety
///
/// The object is of the pool that the function belongs to.
pub(crate) type Dispose = unsafe fn(Object);

/// Asks an object how many bytes it takes up.
///
/// # Safety
///
/// The object is of the pool that the function belongs to.
pub(crate) type Weigh = unsafe fn(&Object) -> usize;

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

/// A pool's place in the list.
pub(crate) struct Entry {
    store: &'static Store,
    name: &'static str,
    next: AtomicPtr<Entry>,
    /// It does not count: the pool has left, or another entry is the pool's.
    marked: AtomicBool,
    /// How many threads have objects of the pool that they are about to drop, after a sweep.
    pending: AtomicU32,
    /// The process that these are threads of: a forked child has none of them.
    pending_in: AtomicU32,
}

impl Entry {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the pool has left. Exact under the lock, a guess for others.
    pub(crate) fn has_left(&self) -> bool {
        self.marked.load(Relaxed)
    }

    /// Lets a pool run again that is stopped, and no sweep of this process is at work that would do it: the pool has left, or a fork has
    /// copied it in the middle of a sweep.
    pub(crate) fn come_back(&self) {
        let Some(_no_sweep) = try_lock() else { return };
        self.marked.store(false, Relaxed);
        if self.store.tables.is_stopped() {
            self.store.tables.restart();
        }
    }

    /// Whether a thread of this process has it pending.
    fn is_pending(&self) -> bool {
        // Acquire: pairs with `Pending`; what the `Drop` of an object has done comes before.
        self.pending.load(Acquire) > 0 && self.pending_in.load(Relaxed) == process::current()
    }
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
    // Asking is a system call on some systems.
    if HOME.load(Relaxed) == 0 {
        let _ = HOME.compare_exchange(0, process::current(), Relaxed, Relaxed);
    }
    // Before the pool is listed: its library may be unloaded from then on.
    let outlived = library::watch((store.library)());
    let entry = Box::leak(Box::new(Entry {
        store,
        name: if outlived { kept(store.own_name) } else { store.own_name },
        next: AtomicPtr::default(),
        marked: AtomicBool::new(false),
        pending: AtomicU32::new(0),
        pending_in: AtomicU32::new(0),
    }));
    let mut head = HEAD.load(Relaxed);
    loop {
        entry.next.store(head, Relaxed);
        match HEAD.compare_exchange_weak(head, entry, Release, Relaxed) {
            Ok(_) => break,
            Err(now) => head = now,
        }
    }
    // Release: pairs with `listed`; who sees the entry named here finds it in the list.
    if store.entry.compare_exchange(ptr::null_mut(), entry, Release, Relaxed).is_err() {
        entry.marked.store(true, Relaxed);
    }
}

/// A copy of a name, which is never freed: one for all pools of this name, of libraries that have been unloaded, too.
fn kept(name: &'static str) -> &'static str {
    struct Kept {
        name: Box<str>,
        next: *mut Kept,
    }
    static NAMES: AtomicPtr<Kept> = AtomicPtr::new(ptr::null_mut());

    let mut known = ptr::null_mut();
    let mut made: Option<Box<Kept>> = None;
    loop {
        // Acquire: pairs with the exchange below.
        let first = NAMES.load(Acquire);
        let mut next = first;
        while next != known {
            // SAFETY: what is in this list is never freed.
            let kept: &'static Kept = unsafe { &*next };
            if *kept.name == *name {
                return &kept.name;
            }
            next = kept.next;
        }
        // What was in the list before need not be looked at again.
        known = first;
        let mut new = made.take().unwrap_or_else(|| Box::new(Kept { name: name.into(), next: first }));
        new.next = first;
        let new = Box::into_raw(new);
        match NAMES.compare_exchange(first, new, Release, Relaxed) {
            // SAFETY: in the list from now on, where nothing is freed.
            Ok(_) => return unsafe { &(*new).name },
            // SAFETY: made above, and not in the list.
            Err(_) => made = Some(unsafe { Box::from_raw(new) }),
        }
    }
}

/// Whether this process is a child of the one in which the first pool was used, made by `fork` without `exec`.
pub(crate) fn is_forked() -> bool {
    HOME.load(Relaxed) != process::current()
}

/// The pools of the list. The lock is held, and the pools are used no longer than that, but by who has an [`AnyPool`].
fn listed() -> Vec<&'static Store> {
    let mut stores = Vec::new();
    let mut place = &HEAD;
    // SAFETY: an entry is freed under the lock, and not before it is out of the list.
    while let Some(entry) = unsafe { place.load(Acquire).as_ref() } {
        // Where it is not marked the store is there (invariant 5).
        if !entry.marked.load(Relaxed) && ptr::eq(entry.store.entry.load(Acquire), entry) {
            stores.push(entry.store);
        }
        place = &entry.next;
    }
    stores
}

/// What sweeps have dropped.
#[derive(Default)]
pub(crate) struct Swept {
    pub(crate) objects: usize,
    pub(crate) bytes: usize,
    /// The first panic of user code.
    panic: Option<Box<dyn Any + Send>>,
}

impl Swept {
    /// Lets a panic of user code go on, now that all is done.
    pub(crate) fn go_on(self) {
        if let Some(payload) = self.panic {
            resume_unwind(payload);
        }
    }

    /// What both have dropped.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.objects += other.objects;
        self.bytes = self.bytes.saturating_add(other.bytes);
        match self.panic {
            None => self.panic = other.panic,
            // The drop of a payload may panic in its turn.
            Some(_) => mem::forget(other.panic),
        }
        self
    }

    /// Runs user code. The lock is not held. `None` if it panics.
    fn run<R>(&mut self, code: impl FnOnce() -> R) -> Option<R> {
        match catch_unwind(AssertUnwindSafe(code)) {
            Ok(result) => Some(result),
            Err(payload) => {
                match self.panic {
                    None => self.panic = Some(payload),
                    // The drop of a payload may panic in its turn.
                    Some(_) => mem::forget(payload),
                }
                None
            }
        }
    }

    /// Weighs and drops an object of this store, as this process. The lock is not held.
    fn drop_object(&mut self, store: &Store, object: Object, process: u32) {
        // SAFETY: the object was taken out of this store.
        let weight = self.run(|| unsafe { store.scales.weigh(&object) });
        self.drop_weighed(store, object, weight.unwrap_or_default(), process);
    }

    /// Drops an object of this store. The lock is not held.
    fn drop_weighed(&mut self, store: &Store, object: Object, weight: usize, process: u32) {
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(weight);
        // SAFETY: the object was taken out of this store.
        self.run(|| unsafe { (store.dispose)(object) });
        // Not before: until now it took up memory (invariant 1 of `bound`).
        store.bound.end_drop(process);
    }
}

/// [`collect`], for who wants to know what was dropped.
pub(crate) fn collect_all() -> Swept {
    sweep(listed, Store::take_all)
}

/// [`age`], for who wants to know what was dropped.
pub(crate) fn age_all() -> Swept {
    cpu::recount();
    sweep(listed, Store::take_aged)
}

/// Drops victims until what the pools weighed at the last step is no more than `budget`: of each pool the same share, and in it first what was released first.
pub(crate) fn shrink_to(budget: usize) -> Swept {
    let mut swept = Swept::default();
    loop {
        let taken: Vec<Pending> = {
            let _one_at_a_time = lock();
            let stores = listed();
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
            pending.entry.store.scales.lighten(swept.bytes - bytes, swept.objects - objects);
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
        let fenced = !stopped.is_empty() && cpu::fence();
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
    if !store.entry().is_some_and(Entry::has_left) {
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
            let settled = store.settled(cpu::fence());
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
    let Some(entry) = store.entry() else { return Ok(()) };
    let taken = {
        let _one_at_a_time = lock();
        let started = store.tables.stop();
        let fenced = started && cpu::fence();
        let objects = store.settled(fenced).unwrap_or_else(|| store.stats()).in_use;
        if objects > 0 {
            if started {
                restart(store);
            }
            return Err(StillInUse { pool: entry.name, objects });
        }
        // It stays stopped.
        entry.marked.store(true, Relaxed);
        Pending::new(store, store.take_all(fenced))
    };
    drop_all(taken).go_on();
    wait_while(|| entry.is_pending());
    Ok(())
}

/// Takes all pools of a library out of the registry, with all that they have. Standard error is told if objects are in use.
///
/// # Safety
///
/// The library is about to be unloaded: no thread is in its code, nor will be, but for this one, and for those that drop its objects
/// after a sweep.
#[allow(dead_code, reason = "only glibc tells that a library is unloaded")]
pub(crate) unsafe fn forget(library: Library) {
    let entries = {
        let _nobody_reads = lock();
        take_out(|entry| (entry.store.library)() == library)
    };
    // Invariant 6. No entry becomes pending, but while another is.
    wait_while(|| entries.iter().any(|entry| entry.is_pending()));
    let mut taken = Vec::new();
    {
        let _one_at_a_time = lock();
        for entry in &entries {
            let store = entry.store;
            if !ptr::eq(store.entry.load(Acquire), *entry) {
                continue;
            }
            let objects = store.stats().in_use;
            if objects > 0 {
                let error = StillInUse { pool: entry.name, objects };
                cpu::report(&format!("pool-runtime: a library is unloaded: {error}\n"));
            }
            store.tables.stop();
            // No sequence is at work: the code that would be in one has been left (the caller's promise).
            taken.extend(Pending::new(store, store.take_all(true)));
            store.entry.store(ptr::null_mut(), Relaxed);
            // SAFETY: it is empty by now, and nobody uses it (the caller's promise).
            unsafe { store.tables.clear() };
        }
    }
    // What it would be told of by a panic is the library's, too.
    mem::forget(drop_all(taken));
    for entry in entries {
        // SAFETY: leaked when it was added; it is out of the list, no store names it, and nobody has it pending.
        drop(unsafe { Box::from_raw(ptr::from_ref(entry).cast_mut()) });
    }
}

/// Takes entries out of the list. The lock is held.
fn take_out(is_wanted: impl Fn(&Entry) -> bool) -> Vec<&'static Entry> {
    let mut wanted = Vec::new();
    let mut place = &HEAD;
    // SAFETY: as in `listed`.
    while let Some(entry) = unsafe { place.load(Acquire).as_ref() } {
        if !is_wanted(entry) {
            place = &entry.next;
            continue;
        }
        let next = entry.next.load(Acquire);
        // Release: pairs with the loads of those who read the list. Where it fails others have been added in front: then from there.
        match place.compare_exchange(ptr::from_ref(entry).cast_mut(), next, Release, Relaxed) {
            Ok(_) => wanted.push(entry),
            Err(_) => place = &HEAD,
        }
    }
    wanted
}

/// Objects that a sweep has taken out of a pool, and that its thread is about to drop; and whether it is about to weigh what is left.
struct Pending {
    entry: &'static Entry,
    objects: Vec<Object>,
    /// The process that drops them, for the bound.
    process: u32,
    /// The number of passes at which what is left is to be weighed.
    weigh: Option<usize>,
}

impl Pending {
    /// `None` where there is nothing to do. The lock is held.
    fn new(store: &'static Store, objects: Vec<Object>) -> Option<Self> {
        let weigh = store.scales.take_due().then(|| store.scales.passes());
        // A pool that was never used has no object.
        let entry = store.entry().filter(|_| weigh.is_some() || !objects.is_empty())?;
        let process = process::current();
        if entry.pending_in.load(Relaxed) != process {
            entry.pending.store(0, Relaxed);
            entry.pending_in.store(process, Relaxed);
        }
        entry.pending.fetch_add(1, Relaxed);
        store.bound.begin_drops(process, objects.len());
        Some(Self { entry, objects, weigh, process })
    }

    /// Drops the objects. The lock is not held: user code runs.
    fn drop_objects(&mut self, swept: &mut Swept) {
        mem::take(&mut self.objects)
            .into_iter()
            .for_each(|object| swept.drop_object(self.entry.store, object, self.process));
    }

    /// Weighs what is idle. The lock is not held: user code runs.
    fn weigh_rest(&self, swept: &mut Swept) {
        let (store, Some(passes)) = (self.entry.store, self.weigh) else { return };
        let is_ours = || store.scales.passes() == passes;
        let (mut bytes, mut objects) = (0_usize, 0);
        for slot in store.slots() {
            let mut begin = 0;
            // What is on the scales: what has been weighed, and those whose `weigh` has panicked.
            let (mut weighed, mut refused) = (Vec::new(), Vec::new());
            loop {
                let batch = {
                    let _one_at_a_time = lock();
                    // Else they are that sweep's to count (invariant 3 of `scales`).
                    let batch = is_ours().then(|| {
                        store.swept.dropped(Reason::Panic, refused.len());
                        store.scales.hold(0, self.process);
                        begin = store.put_back(slot, begin, &mut weighed, self.process);
                        store.swept.dropped(Reason::Collect, weighed.len());
                        store.put_on_scales(slot, begin, self.process)
                    });
                    refused.append(&mut weighed);
                    batch
                };
                refused.drain(..).for_each(|object| swept.drop_weighed(store, object, 0, self.process));
                let Some(batch) = batch else { return };
                if batch.is_empty() {
                    break;
                }
                for object in batch {
                    // SAFETY: the object was taken out of this store.
                    match swept.run(|| unsafe { store.scales.weigh(&object) }) {
                        Some(weight) => {
                            bytes = bytes.saturating_add(weight);
                            objects += 1;
                            weighed.push(object);
                        }
                        None => refused.push(object),
                    }
                }
            }
        }
        let _one_at_a_time = lock();
        if is_ours() {
            store.scales.set(bytes, objects);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Not in a child that was forked meanwhile.
        if self.process == process::current() {
            // Release: pairs with `is_pending`.
            self.entry.pending.fetch_sub(1, Release);
        }
    }
}

/// Waits for what threads of this process do: in a forked child, too, there is an end to it.
fn wait_while(condition: impl Fn() -> bool) {
    let mut backoff = Backoff::new();
    while condition() {
        backoff.snooze();
    }
}

/// Drops all objects, and weighs what is to be weighed. The lock is not held: user code runs.
fn drop_all(taken: impl IntoIterator<Item = Pending>) -> Swept {
    let mut swept = Swept::default();
    for mut pending in taken {
        pending.drop_objects(&mut swept);
        pending.weigh_rest(&mut swept);
    }
    swept
}

/// The right to sweep.
struct Sweeping;

/// The lock, if no thread of this process has it (invariant 4).
fn try_lock() -> Option<Sweeping> {
    let us = process::current();
    let holder = SWEEPING.load(Relaxed);
    // Acquire: pairs with the store of the last sweep.
    let taken = holder != us && SWEEPING.compare_exchange(holder, us, Acquire, Relaxed).is_ok();
    taken.then(|| Sweeping)
}

fn lock() -> Sweeping {
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

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;
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
        let AnyPool(store) = pools().into_iter().find(|pool| pool.name() == "page").expect("it was used");
        if cpu::is_off() {
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
