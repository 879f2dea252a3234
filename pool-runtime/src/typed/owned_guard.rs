//! [`OwnedGuard`], the owner of an object in use whose pool is a value.
//!
//! # Invariants
//!
//! 1. A guard's object came from a `Box<T>`, and is one of those of its storage that are out. The guard is its only owner, and gives it up once.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::panic::UnwindSafe;
use core::ptr;

use crate::Reset;
use crate::slots::counters::Reason;
use crate::slots::object::Object;
use crate::storage::life::Life;
use crate::storage::store::Store;

/// An object in use of an [`OwnedPool`](crate::OwnedPool): it goes back to its pool when the guard is dropped, or is dropped if the pool is gone by then.
///
/// As a [`Guard`](crate::Guard), but two words wide: it knows its pool. It borrows nothing, so it may outlive the pool and go to other threads. Any thread
/// may drop it. It has the traits of `Guard`, but for `Default` and `From`, which name no pool.
///
/// # Panics
///
/// The drop of a guard runs the pool's reset and `retain`. If one of them panics, the object is dropped and the panic goes on.
///
/// # Signal handlers
///
/// A handler may drop a guard while its pool is there: see [`OwnedPool`](crate::OwnedPool).
///
/// # Examples
///
/// ```
/// use std::thread;
///
/// use pool_runtime::OwnedPool;
///
/// let lines = OwnedPool::new(String::new);
/// let mut line = lines.acquire();
/// thread::spawn(move || line.push_str("hello")).join().unwrap(); // released there
/// assert_eq!(lines.acquire().as_str(), "");
/// ```
#[must_use = "a guard that is not kept puts its object straight back into the pool"]
pub struct OwnedGuard<T: Send + 'static> {
    object: Object,
    life: &'static Life<Store>,
    owned: PhantomData<Box<T>>,
}

// SAFETY: a guard owns its object as a `Box<T>` does (invariant 1), so sending it sends a `T`. Any thread may use a life.
unsafe impl<T: Send + 'static> Send for OwnedGuard<T> {}
// SAFETY: a shared guard gives out `&T` and nothing else, as a shared `Box<T>` does.
unsafe impl<T: Send + Sync + 'static> Sync for OwnedGuard<T> {}

// SAFETY: as for `Guard`: the object lies in an allocation of its own, and moving the guard moves the pointer alone.
#[cfg(feature = "stable_deref_trait")]
unsafe impl<T: Send + 'static> stable_deref_trait::StableDeref for OwnedGuard<T> {}

impl<T: Send + UnwindSafe + 'static> UnwindSafe for OwnedGuard<T> {}

impl<T: Send + 'static> OwnedGuard<T> {
    /// A guard for an object that is out of this storage, and came from a box of `T`.
    #[inline]
    pub(super) fn new(object: Object, life: &'static Life<Store>) -> Self {
        Self { object, life, owned: PhantomData }
    }

    /// Takes the object out of the pool for good. It is not reset.
    pub fn into_inner(guard: Self) -> T {
        *Self::into_box(guard)
    }

    /// Takes the object out of the pool for good, in the box in which it has lived. It is not reset.
    pub fn into_box(guard: Self) -> Box<T> {
        let (life, object) = guard.end();
        // SAFETY: it came from a box of this type (invariant 1).
        let object = unsafe { object.into_box() };
        life.note_detached();
        object
    }

    /// Drops the object instead of putting it back. It is not reset; fields marked `zeroize` are wiped.
    pub fn discard(guard: Self) {
        let (life, object) = guard.end();
        life.drop_object(object, Reason::Discard);
    }

    /// Takes the object out of the pool and never frees it. It is not reset.
    pub fn leak(guard: Self) -> &'static mut T {
        Box::leak(Self::into_box(guard))
    }

    fn end(self) -> (&'static Life<Store>, Object) {
        // Before any other thread can have the object, as in the drop.
        #[cfg(feature = "diagnose")]
        crate::diagnose::released(self.object.as_raw());
        let guard = ManuallyDrop::new(self);
        // SAFETY: the guard is not dropped, and its object is not used through it any more.
        (guard.life, unsafe { ptr::read(&guard.object) })
    }
}

impl<T: Send + 'static> Drop for OwnedGuard<T> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(feature = "diagnose")]
        crate::diagnose::released(self.object.as_raw());
        // SAFETY: the guard ends here.
        let object = unsafe { ptr::read(&self.object) };
        // SAFETY: the object is one of this storage's, and the guard gives it up (invariant 1).
        unsafe { (self.life.kind.calls.release)(self.life, object) };
    }
}

/// Resets the object by the hooks of its pool; it stays in use. For fields that are guards.
impl<T: Send + 'static> Reset for OwnedGuard<T> {
    fn reset(&mut self) {
        // SAFETY: the object is one of this storage's, and is borrowed exclusively, as the guard is (invariant 1).
        unsafe { (self.life.kind.calls.reset)(self.life, &mut self.object) };
    }
}

impl<T: Send + 'static> Deref for OwnedGuard<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard owns a live object of this type (invariant 1), borrowed for as long as the guard is.
        unsafe { &*(self.object.as_raw() as *const T) }
    }
}

impl<T: Send + 'static> DerefMut for OwnedGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`, and the guard is borrowed exclusively.
        unsafe { &mut *(self.object.as_raw() as *mut T) }
    }
}
