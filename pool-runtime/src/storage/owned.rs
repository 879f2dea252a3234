//! A store as the storage of a pool that is a value; and the ways out of line of that pool's guards: each gives an object up, and asks first if the
//! pool is there still.
//!
//! Invariants and orderings are those of `life`. User code runs under no lock.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::ptr;
use core::sync::atomic::Ordering::Relaxed;

use crate::slots::counters::Reason;
use crate::slots::object::Object;
use crate::storage::drops::{Inside, Outside};
use crate::storage::life::{Kind, Kinds, Life};
use crate::storage::store::Store;

/// The storages of pools that are values.
pub(crate) static KINDS: Kinds<Store> = Kinds::new();

impl Store {
    /// A new storage of this kind.
    pub(crate) fn begin(self, kind: &'static Kind<Self>) -> &'static Life<Self> {
        let life = Life::begin(kind, self);
        life.storage().life.store(ptr::from_ref(life).cast_mut(), Relaxed);
        life
    }

    /// The life that this is the storage of. `None` for a static.
    pub(crate) fn life(&self) -> Option<&'static Life<Self>> {
        // SAFETY: `begin` has stored it, and it is never freed.
        unsafe { self.life.load(Relaxed).as_ref() }
    }

    /// Whether this is the storage of a pool that was a value, and is dropped. Exact under the registry's lock.
    pub(crate) fn is_closed(&self) -> bool {
        self.life().is_some_and(Life::is_closed)
    }

    /// Makes a storage as new, whose pool was dropped, and lets it run again. The lock is held, and no other thread uses it.
    pub(crate) fn renew(&self, max_idle: Option<usize>) {
        self.slots().for_each(|slot| slot.counters.clear());
        self.sweep_counters.clear();
        self.unfenced.clear();
        self.bound.renew(max_idle);
        self.scales.renew();
        if let Some(registration) = self.registration() {
            registration.marked.store(false, Relaxed);
            #[cfg(feature = "tracing")]
            registration.renew_start();
        }
        if self.tables.is_stopped() {
            self.tables.restart();
        }
    }

    /// Drops an object of this pool, which may be a static or a value.
    #[cold]
    pub(crate) fn give_up(&'static self, object: Object, reason: Reason) {
        match self.life() {
            None => self.drop_object(object, reason),
            Some(life) => life.drop_object(object, reason),
        }
    }
}

impl Life<Store> {
    /// Puts an object anywhere, or drops it, if this thread's stack gave it back.
    #[cold]
    #[inline(never)]
    pub(crate) fn keep_or_drop(&'static self, object: Object) {
        let store = self.storage();
        match Inside::enter(store) {
            Some(_inside) => drop(store.keep_or_drop(object)),
            None => self.drop_outside(object),
        }
    }

    /// Drops an object.
    #[cold]
    #[inline(never)]
    pub(crate) fn drop_object(&'static self, object: Object, reason: Reason) {
        let store = self.storage();
        match Inside::enter(store) {
            Some(_inside) => store.drop_object(object, reason),
            None => self.drop_outside(object),
        }
    }

    /// Notes that an object has left the pool for good.
    #[cold]
    pub(crate) fn note_detached(&'static self) {
        let store = self.storage();
        match Inside::enter(store) {
            Some(_inside) => store.slot_or_make().1.counters.detached.add(1),
            None => drop(Outside(self)),
        }
    }

    /// Drops an object of a dropped pool. Runs user code.
    fn drop_outside(&'static self, object: Object) {
        // Dropped last, if the object's `Drop` panics, too: the function that drops it is the storage's.
        let _outside = Outside(self);
        self.storage().dispose(object);
    }
}
