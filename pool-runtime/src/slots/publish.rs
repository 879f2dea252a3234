//! The publication of a table or a slot, once, and its lookup from then on. Invariants and orderings are those of `table`.
//!
//! A *place* is an atomic pointer that holds `nothing`, a pointer of its user's choice, until a thread publishes a table or a slot there.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::mem;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::{AcqRel, Acquire};

use crate::sync::AtomicPtr;

/// The table or slot that a place leads to, given the pointer that it held. `None` for `nothing`.
#[inline]
pub(super) fn published<T>(pointer: *mut T, nothing: *mut T) -> Option<&'static T> {
    if pointer == nothing {
        return None;
    }
    // SAFETY: it came from a place of `get_or_publish`, and is good for ever (invariant 1 of `table`).
    Some(unsafe { &*pointer })
}

/// The table or slot at `place`, made and published by this thread if the place is empty.
pub(super) fn get_or_publish<T: Free>(
    place: &AtomicPtr<T>,
    nothing: *mut T,
    make: impl FnOnce() -> Made<T>,
) -> &'static T {
    // Acquire: pairs with the exchange below.
    let found = published(place.load(Acquire), nothing).or_else(|| {
        let made = make();
        // AcqRel: Release publishes the new table or slot; Acquire pairs with the winner's exchange, or with a sweep's (`load_in_sweep`).
        match place.compare_exchange(nothing, made.0.as_ptr(), AcqRel, Acquire) {
            Ok(_) => Some(made.leak()),
            Err(winner) => published(winner, nothing),
        }
    });
    found.expect("a place that does not hold nothing is published")
}

/// A table or slot on the heap that no other thread knows: it was just made, or is there no more for others. Dropping this frees it.
pub(crate) struct Made<T: Free>(pub(super) NonNull<T>);

/// A table or a slot: it is made on the heap.
pub(crate) trait Free {
    /// Frees it.
    ///
    /// # Safety
    ///
    /// It was in a [`Made`], there is no object in it, and no other thread uses it.
    unsafe fn free(this: NonNull<Self>);
}

impl<T: Free> Made<T> {
    /// The reference to it, once it is published: it lives on.
    pub(super) fn leak(self) -> &'static T {
        let pointer = self.0.as_ptr();
        mem::forget(self);
        published(pointer, ptr::null_mut()).expect("what is made has an address")
    }

    /// The owner, again, of a table or slot that was published and is to be freed.
    ///
    /// # Safety
    ///
    /// It was published by [`get_or_publish`], there is no object in it, and no other thread uses it.
    pub(super) unsafe fn again(pointer: *mut T) -> Option<Self> {
        NonNull::new(pointer).map(Self)
    }
}

impl<T: Free> Drop for Made<T> {
    fn drop(&mut self) {
        // SAFETY: no other thread knows it, so no thread has put an object into it.
        unsafe { T::free(self.0) };
    }
}

/// The table or slot at `place`. If the place is empty, a thread that publishes there later synchronises with us.
pub(super) fn load_in_sweep<T>(place: &AtomicPtr<T>, nothing: *mut T) -> Option<&'static T> {
    published(place.load(Acquire), nothing).or_else(|| {
        let (Ok(pointer) | Err(pointer)) = place.compare_exchange(nothing, nothing, AcqRel, Acquire);
        published(pointer, nothing)
    })
}
