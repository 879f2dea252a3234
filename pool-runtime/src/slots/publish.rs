//! How a table or a slot is published once, and found from then on. Invariants and orderings are those of `table`.
//!
//! A *place* is an atomic pointer that holds `nothing`, a pointer of its user's choice, until something is published there.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::mem;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::{AcqRel, Acquire};

use crate::sync::AtomicPtr;

/// What a place leads to that held this pointer, if it is not `nothing`.
#[inline]
pub(super) fn published<T>(pointer: *mut T, nothing: *mut T) -> Option<&'static T> {
    if pointer == nothing {
        return None;
    }
    // SAFETY: it came from a place of `get_or_publish`, and is good for ever (invariant 1 of `table`).
    Some(unsafe { &*pointer })
}

/// What is published at `place`, made and published by us if nothing is.
pub(super) fn get_or_publish<T: Free>(
    place: &AtomicPtr<T>,
    nothing: *mut T,
    make: impl FnOnce() -> Made<T>,
) -> &'static T {
    // Acquire: pairs with the exchange below.
    let found = published(place.load(Acquire), nothing).or_else(|| {
        let made = make();
        // AcqRel: Release publishes what was made; Acquire pairs with the winner's, or with a sweep's (`load_in_sweep`).
        match place.compare_exchange(nothing, made.0.as_ptr(), AcqRel, Acquire) {
            Ok(_) => Some(made.leak()),
            Err(winner) => published(winner, nothing),
        }
    });
    found.expect("a place that does not hold nothing is published")
}

/// Something on the heap that no other thread knows: it has just been made, or is there no more for others. Dropping this frees it.
pub(crate) struct Made<T: Free>(pub(super) NonNull<T>);

/// Something that is made on the heap.
pub(crate) trait Free {
    /// Frees it.
    ///
    /// # Safety
    ///
    /// It was in a [`Made`], there is no object in it, and nobody else uses it.
    unsafe fn free(this: NonNull<Self>);
}

impl<T: Free> Made<T> {
    /// It is published, and lives on.
    pub(super) fn leak(self) -> &'static T {
        let pointer = self.0.as_ptr();
        mem::forget(self);
        published(pointer, ptr::null_mut()).expect("what is made has an address")
    }

    /// What was published, and is to be freed.
    ///
    /// # Safety
    ///
    /// It was published by [`get_or_publish`], there is no object in it, and nobody else uses it.
    pub(super) unsafe fn again(pointer: *mut T) -> Option<Self> {
        NonNull::new(pointer).map(Self)
    }
}

impl<T: Free> Drop for Made<T> {
    fn drop(&mut self) {
        // SAFETY: no other thread knows it, so nobody has put an object into it.
        unsafe { T::free(self.0) };
    }
}

/// What is published at `place`; if nothing is, the thread that publishes there later synchronises with us.
pub(super) fn load_in_sweep<T>(place: &AtomicPtr<T>, nothing: *mut T) -> Option<&'static T> {
    published(place.load(Acquire), nothing).or_else(|| {
        let (Ok(pointer) | Err(pointer)) = place.compare_exchange(nothing, nothing, AcqRel, Acquire);
        published(pointer, nothing)
    })
}
