//! [`Object`], an idle object without its type.
//!
//! The storage is compiled once, for every pooled type: it moves `Object`s, and only [`Pool`](crate::Pool) knows their type.
//!
//! # Invariants
//!
//! 1. An `Object` came from `Box::into_raw` of a `T: Send`, and is the only owner of the `T`.
//! 2. All objects in one store came from boxes of one type: the type of the pool that has the store.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::ptr::NonNull;

/// The owner of an object on the heap. To forget it leaks the object: each must be put somewhere or become a box again.
#[derive(Debug)]
#[must_use]
pub(crate) struct Object(NonNull<()>);

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

// SAFETY: it owns a `T: Send` (invariant 1), as a `Box<T>` would.
unsafe impl Send for Object {}

impl Object {
    #[inline]
    pub(crate) fn from_box<T: Send>(object: Box<T>) -> Self {
        // SAFETY: a box has an address.
        Self(unsafe { NonNull::new_unchecked(Box::into_raw(object) as *mut ()) })
    }

    /// # Safety
    ///
    /// The object came from a `Box<T>` of this `T`.
    #[inline]
    pub(crate) unsafe fn into_box<T: Send>(self) -> Box<T> {
        // SAFETY: the pointer came from a box (invariant 1) of this type (the caller's promise), and `self` owned it.
        unsafe { Box::from_raw(self.into_raw() as *mut T) }
    }

    /// The pointer, which the object goes on owning.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut () {
        self.0.as_ptr()
    }

    /// Tells the processor that the object will be used soon. On x86-64 alone: there it was measured (`docs/performance.md`).
    #[inline]
    pub(crate) fn prefetch(&self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: every processor of this architecture has the instruction, and it has no effect but on caches.
        unsafe {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(self.0.as_ptr().cast());
        }
    }

    /// The pointer, for a place that stores pointers. The stored pointer owns the object.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut () {
        self.0.as_ptr()
    }

    /// Takes the object back out of such a place. `None` for null.
    ///
    /// # Safety
    ///
    /// The pointer is null, or came from [`into_raw`](Self::into_raw) and is taken out for the first time.
    #[inline]
    pub(crate) unsafe fn from_raw(pointer: *mut ()) -> Option<Self> {
        NonNull::new(pointer).map(Self)
    }
}
