//! [`Pool`], the typed face of a store: what is done to an object on its way out and in.
//!
//! The search order of acquire and release is in `store`. Here is where user code runs: `new`, `reset`, `retain`, `weigh`, the
//! wiping of secrets and `Drop`, always outside of every lock, and on objects that are in no store.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use std::thread;

use crate::registry::{PoolHandle, StillInUse, own_library};
use crate::slots::counters::Reason;
use crate::slots::object::{Object, Weigh};
use crate::stats::Stats;
use crate::storage::store::Store;
use crate::storage::{chaos, current};
use crate::sync::const_fn;
use crate::{Guard, OnPanic, Pooled};

/// The pool of a type: a static that `#[derive(Pooled)]` makes, and [`Pooled::pool`] returns.
///
/// Objects come and go through the type ([`Pooled::acquire`]); the methods here are about the pool as a whole.
///
/// A pool that is never used costs its static, less than 1 KiB, and nothing else. Each slot that threads work with
/// adds less than 1 KiB where [`with_local`](Self::with_local) is at its default.
pub struct Pool<T> {
    store: Store,
    /// Invariant: a pool takes objects in and gives them out, as a `Mutex<T>` does. A `Pool<T>` that could pass for a `Pool<U>` of a
    /// supertype `U` would hand a `U` out as a `T` (uazu/qcell#20). It owns no `T` for the auto traits: objects are `Send`, and each
    /// has one user at a time, so a pool is `Send` and `Sync` whatever they are.
    objects: PhantomData<fn(T) -> T>,
}

impl<T: Pooled> Pool<T> {
    const_fn! {
        /// A pool with this name, for a static.
        pub const fn new(name: &'static str) -> Self {
            let store = Store::new(name, dispose::<T>, own_library);
            let weigh: Option<Weigh> = if T::WEIGH.is_some() { Some(weigh::<T>) } else { None };
            let store = store.with_weight(size_of::<T>(), weigh);
            Self { store, objects: PhantomData }
        }
    }

    const_fn! {
        /// Sets how many idle objects the pool may keep: the key `max_idle` of the derive.
        ///
        /// It is a strict total, over all CPUs, victims included. A local stack counts with its capacity. There are
        /// none where this is smaller than twice the number of CPUs, or four times that number on the portable backend: then all
        /// objects are in shared lists, which is slower.
        ///
        /// The default is 64 times the number of CPUs that the process may use, as it is at the pool's first use and then at each
        /// [`age`](Self::age). Zero keeps none. More than 2,147,483,646 is that many, and 32,766 where the processor has no atomic
        /// operations on 64 bits.
        #[must_use]
        pub const fn with_max_idle(self, max_idle: usize) -> Self {
            Self { store: self.store.with_max_idle(max_idle), objects: PhantomData }
        }
    }

    const_fn! {
        /// Sets the largest local stack of one slot, in objects: the key `local` of the derive.
        ///
        /// The default is 32, and more than 4,096 is 4,096. Zero means that there are no local stacks. A stack begins
        /// small and grows when it is used; its memory, a pointer per object, is there from the slot's first use.
        #[must_use]
        pub const fn with_local(self, local: usize) -> Self {
            Self { store: self.store.with_local(local), objects: PhantomData }
        }
    }

    /// The pool's name: the type's path, or the key `name` of the derive.
    pub fn name(&'static self) -> &'static str {
        self.any().name()
    }

    /// What the pool holds and has done.
    ///
    /// Reads a few numbers of each slot; stops no thread.
    pub fn stats(&'static self) -> Stats {
        self.any().stats()
    }

    /// What the pool holds and has done, at one moment: for tests, and for a shutdown that wants to know what is still in use.
    ///
    /// All numbers are exact, whatever other threads do: no object is counted twice, and none is passed over. An acquire that has not returned has
    /// its object in use once it has left its place, or been counted as made, and a release until it has put its object somewhere.
    ///
    /// It stops the pool as [`collect`](crate::collect) does, waits as that does, and is not for signal handlers either. For less than a
    /// microsecond for each few slots it holds all lists of the pool at once: a release of that moment that would put its object there drops it
    /// ([`busy`](crate::stats::Dropped::busy)), and an acquire makes one. So not once a second: that is for [`stats`](Self::stats).
    ///
    /// `None` where the system refuses to have the threads out of the local stacks ([`unfenced`](Stats::unfenced)), and where other threads make and
    /// drop objects of this pool without a pause. In a child of `fork`, what was in use in the parent is in use, and so are the objects that a sweep of
    /// another thread of the parent had taken out of the pool, and what that thread was about to weigh. If a thread of the parent held a lock of the
    /// pool at the fork, there is no reading, after 0.1 s, and never will be.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_runtime::Pooled;
    ///
    /// #[derive(Default, Pooled)]
    /// struct Line(Vec<u8>);
    ///
    /// let held = Line::acquire();
    /// drop(Line::acquire());
    /// let stats = Line::pool().settled_stats().expect("the pool can be stopped here");
    /// assert_eq!((stats.in_use, stats.idle), (1, 1));
    /// # drop(held);
    /// ```
    pub fn settled_stats(&'static self) -> Option<Stats> {
        self.any().settled_stats()
    }

    /// How many objects are in the pool, victims included.
    ///
    /// Exact while no other thread uses the pool. While others do, an object that moves from one place to another may be
    /// counted twice or not at all, so the sum may be a little more than [`max_idle`](Self::max_idle), which the pool
    /// never holds.
    pub fn idle(&'static self) -> usize {
        self.any().idle()
    }

    /// How many objects the pool may keep.
    pub fn max_idle(&'static self) -> usize {
        self.any().max_idle()
    }

    /// Sets how many objects the pool may keep.
    ///
    /// The limit is a number of objects, not bytes, over all CPUs together. Objects above it are dropped at once, by
    /// the calling thread. Zero keeps none; the largest limit is that of [`with_max_idle`](Self::with_max_idle). Of several
    /// threads that set it, one is the last, and what it has set holds. It waits as [`collect`](crate::collect) does, and
    /// like that is not for signal handlers.
    ///
    /// # Panics
    ///
    /// As for [`collect`](Self::collect).
    pub fn set_max_idle(&'static self, n: usize) {
        self.any().set_max_idle(n);
    }

    /// Drops every idle object of this pool, as [`collect`](crate::collect) does for all pools. Not from a signal handler.
    ///
    /// # Panics
    ///
    /// If the `Drop` of an object panics: all the others are dropped first, and then the first panic goes on.
    pub fn collect(&'static self) {
        self.any().collect();
    }

    /// Takes one ageing step in this pool, as [`age`](crate::age) does in all pools. Not from a signal handler.
    ///
    /// # Panics
    ///
    /// As for [`collect`](Self::collect).
    pub fn age(&'static self) {
        self.any().age();
    }

    /// Takes the pool out of the registry, before the library is unloaded that it is part of: its idle objects are dropped, and
    /// no other thread reads it any more.
    ///
    /// On Linux with glibc this is done by itself when a library is unloaded. It is for other systems, and for a library
    /// that wants to know beforehand whether it can be unloaded: see [libraries](crate::libraries). A pool that has left
    /// can be used all the same; then it is in the registry again.
    ///
    /// It waits as [`collect`](crate::collect) does, and for other threads' sweeps until they have dropped what they have taken
    /// out of this pool. So not in the `Drop` of an object of the pool.
    ///
    /// # Errors
    ///
    /// If objects of the pool are in use. Then nothing has changed.
    ///
    /// # Panics
    ///
    /// As for [`collect`](Self::collect).
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_runtime::Pooled;
    ///
    /// #[derive(Default, Pooled)]
    /// struct Line(Vec<u8>);
    ///
    /// let line = Line::acquire();
    /// assert_eq!(Line::pool().leave().unwrap_err().objects(), 1);
    /// drop(line);
    /// assert!(Line::pool().leave().is_ok());
    /// ```
    pub fn leave(&'static self) -> Result<(), StillInUse> {
        self.any().leave()
    }

    fn any(&'static self) -> PoolHandle {
        PoolHandle(&self.store)
    }

    // Each function from here on is compiled for each type: what does not need the type is the store's.

    #[inline]
    pub(crate) fn acquire(&'static self) -> Guard<T> {
        let object = match current::pop_inline(&self.store.tables) {
            Some(object) => {
                self.store.count_acquire(true);
                object
            }
            None => self.store.acquire_out_of_line(create::<T>),
        };
        self.guard(object)
    }

    pub(crate) fn try_acquire(&'static self) -> Option<Guard<T>> {
        let found = if chaos::fails() { None } else { current::pop(&self.store.tables).or_else(|| self.store.find()) };
        self.store.count_acquire(found.is_some());
        found.map(|object| self.guard(object))
    }

    pub(crate) fn adopt(&'static self, object: Box<T>) -> Guard<T> {
        let guard = self.guard(Object::from_box(object));
        self.store.slot_or_make().1.counters.adopted.add(1);
        guard
    }

    pub(crate) fn prefill(&'static self, n: usize) -> usize {
        for made in 0..n {
            if !self.store.has_room() {
                return made;
            }
            let object = self.store.create(create::<T>);
            if !self.store.release_out_of_line(object) {
                return made;
            }
        }
        n
    }

    /// Takes back what [`guard`](Self::guard) has given out.
    #[inline]
    pub(crate) fn release(&'static self, object: Object) {
        if matches!(T::ON_PANIC, OnPanic::Discard) && thread::panicking() {
            return self.store.drop_object(object, Reason::Panic);
        }
        if !current::is_inline() {
            return self.release_out_of_line(object);
        }
        let Some(object) = self.clean(object) else { return };
        if let Err(object) = current::push_inline(&self.store.tables, object) {
            self.store.keep_or_drop(object);
        }
    }

    #[cold]
    #[inline(never)]
    fn release_out_of_line(&'static self, object: Object) {
        if self.store.is_off() {
            return self.store.drop_object(object, Reason::Off);
        }
        let Some(object) = self.clean(object) else { return };
        self.store.release_out_of_line(object);
    }

    /// Resets an object, and drops it if it is not worth keeping.
    #[inline]
    fn clean(&'static self, object: Object) -> Option<Object> {
        let unwinding = DropInPanic { store: &self.store, object: ManuallyDrop::new(object) };
        // SAFETY: it is one of this pool's, where every object came from a `Box<T>` (invariant 2 of `object`), and it is
        // owned until `defuse`.
        let object = unsafe { &mut *(unwinding.object.as_raw() as *mut T) };
        T::reset_object(object);
        let retained = T::retain_object(object);
        let object = unwinding.defuse();
        if !retained || chaos::fails() {
            self.store.drop_object(object, Reason::Retain);
            return None;
        }
        Some(object)
    }

    pub(crate) fn discard(&'static self, object: Object) {
        self.store.drop_object(object, Reason::Discard);
    }

    pub(crate) fn note_detached(&'static self) {
        self.store.slot_or_make().1.counters.detached.add(1);
    }

    #[inline]
    fn guard(&'static self, object: Object) -> Guard<T> {
        // SAFETY: it is one of this pool's, where every object came from a `Box<T>` (invariant 2 of `object`).
        unsafe { Guard::new(object) }
    }
}

impl<T: Pooled> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", &self.store.name()).finish_non_exhaustive()
    }
}

/// Owns an object while its reset and its `retain` run: it is dropped, and counted, if one of them panics.
struct DropInPanic {
    store: &'static Store,
    object: ManuallyDrop<Object>,
}

impl DropInPanic {
    #[inline]
    fn defuse(self) -> Object {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: neither `this` nor its field is used again.
        unsafe { ManuallyDrop::take(&mut this.object) }
    }
}

impl Drop for DropInPanic {
    fn drop(&mut self) {
        // SAFETY: the field is not used again.
        let object = unsafe { ManuallyDrop::take(&mut self.object) };
        self.store.drop_object(object, Reason::Panic);
    }
}

/// Makes an object for the pool of `T`.
fn create<T: Pooled>() -> Object {
    let mut object = T::create_boxed();
    if T::RESET_NEW {
        T::reset_object(&mut object);
    }
    Object::from_box(object)
}

/// Asks an object of the pool of `T` for its weight.
///
/// # Safety
///
/// The object came from a box of `T`.
unsafe fn weigh<T: Pooled>(object: &Object) -> usize {
    // SAFETY: the caller's promise; the object is borrowed, and its owner gives no other thread access.
    let object = unsafe { &*(object.as_raw() as *const T) };
    T::WEIGH.map_or(size_of::<T>(), |weigh| weigh(object))
}

/// Wipes and drops an object of the pool of `T`. Whatever a pool drops comes by here.
///
/// # Safety
///
/// The object came from a box of `T`.
pub(crate) unsafe fn dispose<T: Pooled>(object: Object) {
    // SAFETY: the caller's promise. Not by `into_box`, which would be a function more for each type in a debug build.
    let mut object: Box<T> = unsafe { Box::from_raw(object.into_raw() as *mut T) };
    T::wipe_object(&mut object);
}
