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
use std::thread;

use crate::Reset;
use crate::slots::counters::Reason;
use crate::slots::object::Object;
use crate::storage::current;
use crate::storage::life::Life;
use crate::storage::store::Store;
use crate::typed::hooks::{ByReset, Hooks};
use crate::typed::objects;

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
pub struct OwnedGuard<T: Send + 'static, H: Hooks<T> = ByReset> {
    object: Object,
    life: &'static Life<Store>,
    owned: PhantomData<Box<T>>,
    hooks: PhantomData<fn(H)>,
}

// SAFETY: a guard owns its object as a `Box<T>` does (invariant 1), so sending it sends a `T`. Any thread may use a life.
unsafe impl<T: Send + 'static, H: Hooks<T>> Send for OwnedGuard<T, H> {}
// SAFETY: a shared guard gives out `&T` and nothing else, as a shared `Box<T>` does.
unsafe impl<T: Send + Sync + 'static, H: Hooks<T>> Sync for OwnedGuard<T, H> {}

// SAFETY: as for `Guard`: the object lies in an allocation of its own, and moving the guard moves the pointer alone.
#[cfg(feature = "stable_deref_trait")]
unsafe impl<T: Send + 'static, H: Hooks<T>> stable_deref_trait::StableDeref for OwnedGuard<T, H> {}

impl<T: Send + UnwindSafe + 'static, H: Hooks<T>> UnwindSafe for OwnedGuard<T, H> {}

impl<T: Send + 'static, H: Hooks<T>> OwnedGuard<T, H> {
    /// A guard for an object that is out of this storage, and came from a box of `T`.
    #[inline]
    pub(super) fn new(object: Object, life: &'static Life<Store>) -> Self {
        Self { object, life, owned: PhantomData, hooks: PhantomData }
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

    /// Resets the object, which this guard gives up, and drops it if it is not worth keeping.
    #[inline]
    fn clean(&self, object: Object) -> Option<Object> {
        // Pointers, and no references: the hooks may be dropped with the object, which may be the last.
        let hooks = self.life.hooks() as *const H;
        // SAFETY: the life is of a kind with hooks of this type, which are there while the object is out (invariants 1 and 2 of `hooks`).
        let reset = |object: &mut T| unsafe { &*hooks }.reset(object);
        // SAFETY: the same.
        let retain = |object: &T| unsafe { &*hooks }.retain(object);
        // SAFETY: the object came from a box of this type (invariant 1).
        unsafe { objects::clean(self.life.storage(), object, reset, retain) }
    }

    /// The release on the portable backend, in a library, and if pooling is off.
    #[cold]
    #[inline(never)]
    fn release_out_of_line(&self, object: Object) {
        let (life, store) = (self.life, self.life.storage());
        if store.is_off() {
            return life.drop_object(object, Reason::Off);
        }
        let Some(object) = self.clean(object) else { return };
        if let Err(object) = current::push(&store.tables, object) {
            life.keep_or_drop(object);
        }
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

impl<T: Send + 'static, H: Hooks<T>> Drop for OwnedGuard<T, H> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(feature = "diagnose")]
        crate::diagnose::released(self.object.as_raw());
        // SAFETY: the guard ends here.
        let object = unsafe { ptr::read(&self.object) };
        let life = self.life;
        // Before the reset: the object may have been left half-written.
        if thread::panicking() && life.kind.key.discards {
            return life.drop_object(object, Reason::Panic);
        }
        let Some(inline) = current::inline() else { return self.release_out_of_line(object) };
        // Before the push: from then on another thread may have the object.
        let Some(object) = self.clean(object) else { return };
        if let Err(object) = inline.push(&life.storage().tables, object) {
            life.keep_or_drop(object);
        }
    }
}

/// Resets the object by the hooks of its pool; it stays in use. For fields that are guards.
impl<T: Send + 'static, H: Hooks<T>> Reset for OwnedGuard<T, H> {
    fn reset(&mut self) {
        // SAFETY: as for `clean`.
        let hooks = unsafe { &*(self.life.hooks() as *const H) };
        hooks.reset(self);
    }
}

impl<T: Send + 'static, H: Hooks<T>> Deref for OwnedGuard<T, H> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard owns a live object of this type (invariant 1), borrowed for as long as the guard is.
        unsafe { &*(self.object.as_raw() as *const T) }
    }
}

impl<T: Send + 'static, H: Hooks<T>> DerefMut for OwnedGuard<T, H> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`, and the guard is borrowed exclusively.
        unsafe { &mut *(self.object.as_raw() as *mut T) }
    }
}
