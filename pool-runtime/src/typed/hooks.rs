//! The hooks of a pool that is a value, and the functions that call them: a storage has these without their types (`life`).
//!
//! # Invariants
//!
//! 1. The hooks of a life are a box of [`Hooks`] of the types that its kind's key names, and so are the functions of the kind.
//! 2. Hooks are dropped after the last guard (`life`): who has a guard may call them.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::any::TypeId;
use core::marker::PhantomData;
use std::thread;

use crate::slots::counters::Reason;
use crate::slots::object::{Object, Weigh};
use crate::storage::current;
use crate::storage::life::{Calls, Life};
use crate::storage::store::Store;
use crate::typed::objects::clean;
use crate::{HeapBytes, OnPanic, Reset};

/// Resets the objects of a pool: [`ByReset`], or the closure of [`Builder::reset`](crate::owned::Builder::reset).
#[diagnostic::on_unimplemented(
    message = "the objects of this pool have no reset",
    label = "`{T}` is not `Reset`",
    note = "write `#[derive(Reset)]` above the definition of `{T}`, or give the pool a reset: `OwnedPool::builder(..).reset(|object| ..)`"
)]
pub trait ResetBy<T>: Send + Sync + 'static {
    #[doc(hidden)]
    fn reset(&self, object: &mut T);

    #[doc(hidden)]
    fn wipe(_object: &mut T) {}
}

/// Judges the objects of a pool: [`Always`], or the closure of [`Builder::retain`](crate::owned::Builder::retain).
pub trait RetainBy<T>: Send + Sync + 'static {
    #[doc(hidden)]
    fn retain(&self, object: &T) -> bool;
}

/// The reset of an object's own type.
#[derive(Clone, Copy, Debug)]
pub struct ByReset;

/// Each object is worth keeping.
#[derive(Clone, Copy, Debug)]
pub struct Always;

/// A closure of the pool's builder.
#[derive(Clone, Copy, Debug)]
pub struct By<C>(pub(super) C);

impl<T: Reset> ResetBy<T> for ByReset {
    #[inline]
    fn reset(&self, object: &mut T) {
        object.reset();
    }

    #[inline]
    fn wipe(object: &mut T) {
        object.wipe_value();
    }
}

impl<T, C: Fn(&mut T) + Send + Sync + 'static> ResetBy<T> for By<C> {
    #[inline]
    fn reset(&self, object: &mut T) {
        self.0(object);
    }
}

impl<T> RetainBy<T> for Always {
    #[inline]
    fn retain(&self, _object: &T) -> bool {
        true
    }
}

impl<T, C: Fn(&T) -> bool + Send + Sync + 'static> RetainBy<T> for By<C> {
    #[inline]
    fn retain(&self, object: &T) -> bool {
        self.0(object)
    }
}

/// The hooks of one pool.
pub(super) struct Hooks<T, R, P> {
    pub(super) reset: R,
    pub(super) retain: P,
    pub(super) on_panic: OnPanic,
    pub(super) objects: PhantomData<fn(T)>,
}

impl<T: Send + 'static, R: ResetBy<T>, P: RetainBy<T>> Hooks<T, R, P> {
    /// The functions of a kind with these hooks.
    pub(super) fn calls() -> Calls<Store> {
        Calls { release: release::<T, R, P>, reset: reset::<T, R, P>, drop_hooks: drop_hooks::<Self> }
    }

    pub(super) fn type_id() -> TypeId {
        TypeId::of::<Self>()
    }

    /// # Safety
    ///
    /// The hooks of this life are of this type, and the caller has a guard of the pool.
    #[inline]
    unsafe fn of(life: &Life<Store>) -> &Self {
        // SAFETY: the caller's promise (invariants 1 and 2).
        unsafe { &*(life.hooks() as *const Self) }
    }
}

/// # Safety
///
/// As [`Calls::release`].
unsafe fn release<T: Send + 'static, R: ResetBy<T>, P: RetainBy<T>>(life: &'static Life<Store>, object: Object) {
    // SAFETY: the function is that of the life's kind, and the object is out until it has come to a place, or is dropped.
    let hooks = unsafe { Hooks::<T, R, P>::of(life) };
    // Before the reset: the object may have been left half-written.
    if matches!(hooks.on_panic, OnPanic::Discard) && thread::panicking() {
        return life.drop_object(object, Reason::Panic);
    }
    let store = life.storage();
    let inline = current::inline();
    if inline.is_none() && store.is_off() {
        return life.drop_object(object, Reason::Off);
    }
    // Before the push: from then on another thread may have the object.
    // SAFETY: the object is one of the storage's, whose objects are boxes of `T`.
    let cleaned = unsafe {
        clean(store, object, |object: &mut T| hooks.reset.reset(object), |object| hooks.retain.retain(object))
    };
    let Some(object) = cleaned else { return };
    match inline {
        Some(inline) => {
            if let Err(object) = inline.push(&store.tables, object) {
                life.keep_or_drop(object);
            }
        }
        None => life.release_out_of_line(object),
    }
}

/// # Safety
///
/// As [`Calls::reset`].
unsafe fn reset<T: Send + 'static, R: ResetBy<T>, P: RetainBy<T>>(life: &'static Life<Store>, object: &mut Object) {
    // SAFETY: the function is that of the life's kind, and there is a guard.
    let hooks = unsafe { Hooks::<T, R, P>::of(life) };
    // SAFETY: the object is one of the storage's, whose objects are boxes of `T`, and it is borrowed exclusively.
    hooks.reset.reset(unsafe { &mut *(object.as_raw() as *mut T) });
}

/// # Safety
///
/// As [`Calls::drop_hooks`].
unsafe fn drop_hooks<H>(hooks: *mut ()) {
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(hooks.cast::<H>()) });
}

/// Wipes and drops an object.
///
/// # Safety
///
/// The object came from a box of `T`.
pub(super) unsafe fn dispose<T: Send, R: ResetBy<T>>(object: Object) {
    // SAFETY: the caller's promise.
    let mut object = unsafe { object.into_box::<T>() };
    R::wipe(&mut object);
}

/// Asks an object for its weight.
///
/// # Safety
///
/// The object came from a box of `T`.
unsafe fn weigh<T: HeapBytes>(object: &Object) -> usize {
    // SAFETY: the caller's promise; the object is borrowed, and its owner gives no other thread access.
    let object = unsafe { &*(object.as_raw() as *const T) };
    size_of::<T>() + object.heap_bytes()
}

/// The function that weighs the objects of a type.
pub(super) fn weigher<T: HeapBytes>() -> Weigh {
    weigh::<T>
}
