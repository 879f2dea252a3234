//! The ways out of line of a guard whose pool is a value: each gives an object up, and asks first if the pool is there still.
//!
//! Invariants and orderings are those of `life`. User code runs under no lock.

use crate::slots::counters::Reason;
use crate::slots::object::Object;
use crate::storage::drops::{Inside, Outside};
use crate::storage::life::Life;
use crate::storage::store::Store;

impl Store {
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
