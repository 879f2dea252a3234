//! [`Pool`], the typed face of a store: the way of an object out and in.
//!
//! The search order of acquire and release is in `store`. User code runs in `objects`.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use std::thread;

use crate::registry::PoolHandle;
use crate::registry::leave::own_library;
use crate::slots::counters::Reason;
use crate::slots::object::{Object, Weigh};
use crate::storage::current;
use crate::storage::store::Store;
use crate::sync::const_fn;
use crate::typed::objects::{create, dispose, weigh};
use crate::{Guard, OnPanic, Pooled};

/// The pool of a type: a static that `#[derive(Pooled)]` makes, and [`Pooled::pool`] returns.
///
/// Objects come and go through the type ([`Pooled::acquire`]). Methods of the pool as a whole, such as [`stats`](PoolHandle::stats) and
/// [`collect`](PoolHandle::collect), need no type: they are the methods of [`PoolHandle`], and a pool dereferences to its handle.
///
/// A pool that is never used costs its static, less than 1 KiB, and nothing else. Each slot that threads work with
/// adds less than 1 KiB if [`with_local`](Self::with_local) is at its default.
pub struct Pool<T> {
    /// The store, whose objects are all of type `T` (invariant 2 of `object`).
    pub(super) handle: PoolHandle,
    /// Invariant in `T`: a pool takes objects in and gives them out, as a `Mutex<T>` does. A `Pool<T>` that could pass for a `Pool<U>` of a
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
            Self { handle: PoolHandle(store), objects: PhantomData }
        }
    }

    const_fn! {
        /// Sets how many idle objects the pool may keep: the key `max_idle` of the derive.
        ///
        /// The limit is a strict total, over all CPUs, victims included. A local stack counts with its capacity. There are
        /// no local stacks if the limit is smaller than twice the number of CPUs, or four times that number on the portable backend: then all
        /// objects are in shared lists, which is slower.
        ///
        /// The default is 64 times the number of CPUs that the process may use, as it is at the pool's first use and then at each
        /// [`age`](PoolHandle::age). Zero keeps none. The largest limit is 2,147,483,646, or 32,766 if the processor has no atomic
        /// operations on 64 bits; a larger `max_idle` is set to it.
        #[must_use]
        pub const fn with_max_idle(self, max_idle: usize) -> Self {
            Self { handle: PoolHandle(self.handle.0.with_max_idle(max_idle)), objects: PhantomData }
        }
    }

    const_fn! {
        /// Sets the largest local stack of one slot, in objects: the key `local` of the derive.
        ///
        /// The default is 32, and the most is 4,096; a larger `local` is set to it. Zero means that there are no local stacks. A stack begins
        /// small and grows when it is used. Its memory, a pointer per object, is there from the slot's first use.
        #[must_use]
        pub const fn with_local(self, local: usize) -> Self {
            Self { handle: PoolHandle(self.handle.0.with_local(local)), objects: PhantomData }
        }
    }

    // Each function from here on is compiled for each type: code that does not need the type is the store's.

    /// An idle object, or a new one: an inline attempt, and if that misses the store's search.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) fn acquire(&'static self) -> Guard<T> {
        let object = match current::pop_inline(&self.handle.0.tables) {
            Some(object) => {
                self.handle.0.count_acquire(true);
                object
            }
            None => self.handle.0.acquire_out_of_line(create::<T>),
        };
        self.guard(object)
    }

    /// An idle object, or the object that `create` makes.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) fn try_acquire_with<E>(&'static self, create: impl FnOnce() -> Result<T, E>) -> Result<Guard<T>, E> {
        // Not by a closure, whose caller would be std; as in the next.
        Ok(self.guard(self.handle.0.try_acquire_with(create)?))
    }

    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) fn try_acquire(&'static self) -> Option<Guard<T>> {
        Some(self.guard(self.handle.0.try_acquire()?))
    }

    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) fn adopt(&'static self, object: Box<T>) -> Guard<T> {
        let guard = self.guard(Object::from_box(object));
        self.handle.0.slot_or_make().1.counters.adopted.add(1);
        guard
    }

    pub(crate) fn prefill(&'static self, n: usize) -> usize {
        for made in 0..n {
            if !self.handle.0.has_room() {
                return made;
            }
            let object = self.handle.0.create(create::<T>);
            if !self.handle.0.release_out_of_line(object) {
                return made;
            }
        }
        n
    }

    /// Takes back an object that [`guard`](Self::guard) has given out.
    #[inline]
    pub(crate) fn release(&'static self, object: Object) {
        // Before the reset: the object may have been left half-written.
        if matches!(T::ON_PANIC, OnPanic::Discard) && thread::panicking() {
            return self.handle.0.drop_object(object, Reason::Panic);
        }
        let Some(inline) = current::inline() else { return self.release_out_of_line(object) };
        // Before the push: from then on another thread may have the object.
        let Some(object) = self.clean(object) else { return };
        if let Err(object) = inline.push(&self.handle.0.tables, object) {
            self.handle.0.keep_or_drop(object);
        }
    }

    /// The release on the portable backend, in a library, and if pooling is off.
    #[cold]
    #[inline(never)]
    fn release_out_of_line(&'static self, object: Object) {
        if self.handle.0.is_off() {
            return self.handle.0.drop_object(object, Reason::Off);
        }
        let Some(object) = self.clean(object) else { return };
        self.handle.0.release_out_of_line(object);
    }

    pub(crate) fn discard(&'static self, object: Object) {
        self.handle.0.drop_object(object, Reason::Discard);
    }

    pub(crate) fn note_detached(&'static self) {
        self.handle.0.slot_or_make().1.counters.detached.add(1);
    }
}

impl<T> Deref for Pool<T> {
    type Target = PoolHandle;

    #[inline]
    fn deref(&self) -> &PoolHandle {
        &self.handle
    }
}

impl<T: Pooled> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", &self.handle.0.name()).finish_non_exhaustive()
    }
}
