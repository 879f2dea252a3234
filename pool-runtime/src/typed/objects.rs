//! An object gets its type back here, and user code runs on it: `new`, `reset`, `retain`, `weigh`, the wiping of secrets and `Drop`. It always
//! runs outside of every lock, and on objects that are in no store.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::mem::ManuallyDrop;

use crate::slots::counters::Reason;
use crate::slots::object::Object;
use crate::storage::chaos;
use crate::storage::store::Store;
use crate::{Pool, Pooled};

impl<T: Pooled> Pool<T> {
    /// Resets an object, and drops it if it is not worth keeping.
    #[inline]
    pub(super) fn clean(&'static self, object: Object) -> Option<Object> {
        // SAFETY: the object is of this pool, so it came from a `Box<T>` (invariant 2 of `object`).
        unsafe { clean(&self.handle.0, object, T::reset_object, T::retain_object) }
    }
}

/// Resets an object of this store, and drops it if it is not worth keeping.
///
/// # Safety
///
/// The object came from a box of `T`.
#[inline]
pub(super) unsafe fn clean<T>(
    store: &'static Store,
    object: Object,
    reset: impl FnOnce(&mut T),
    retain: impl FnOnce(&T) -> bool,
) -> Option<Object> {
    let unwinding = DropInPanic { store, object: ManuallyDrop::new(object) };
    // SAFETY: it came from a box of `T` (the caller's promise), and `unwinding` owns it until `defuse`.
    let object = unsafe { &mut *(unwinding.object.as_raw() as *mut T) };
    reset(object);
    let retained = retain(object);
    let object = unwinding.defuse();
    if !retained || chaos::fails() {
        store.give_up(object, Reason::Retain);
        return None;
    }
    Some(object)
}

/// The owner of an object while its reset and its `retain` run: the object is dropped, and counted, if one of them panics.
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
        self.store.give_up(object, Reason::Panic);
    }
}

/// Makes an object for the pool of `T`.
pub(super) fn create<T: Pooled>() -> Object {
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
pub(super) unsafe fn weigh<T: Pooled>(object: &Object) -> usize {
    // SAFETY: the caller's promise; the object is borrowed, and its owner gives no other thread access.
    let object = unsafe { &*(object.as_raw() as *const T) };
    T::WEIGH.map_or(size_of::<T>(), |weigh| weigh(object))
}

/// Wipes and drops an object of the pool of `T`. Each object that a pool drops comes by here.
///
/// # Safety
///
/// The object came from a box of `T`.
pub(super) unsafe fn dispose<T: Pooled>(object: Object) {
    // Not by `into_box`, which would be a function more for each type in a debug build.
    // SAFETY: the object owned its pointer, which came from a box of `T` (the caller's promise).
    let mut object: Box<T> = unsafe { Box::from_raw(object.into_raw() as *mut T) };
    T::wipe_object(&mut object);
}
