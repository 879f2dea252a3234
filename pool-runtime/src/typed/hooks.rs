//! The hooks of a pool that is a value, and the functions that its storage has without their types (`life`).
//!
//! # Invariants
//!
//! 1. The hooks of a life are a box of the type that its kind's key names.
//! 2. Hooks are dropped after the last guard (`life`), so a thread with a guard may call them.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use crate::slots::object::{Object, Weigh};
use crate::{HeapBytes, Reset};

/// The hooks of an [`OwnedPool`](crate::OwnedPool): how the pool resets its objects, and which of them it keeps.
///
/// [`ByReset`] are those of a pool whose objects have a [`Reset`], [`By`] and [`Retain`] those of closures that the
/// [builder](crate::owned::Builder) was given. A type of the program's gives hooks a name, for a field, and a state.
///
/// # Examples
///
/// ```
/// use pool_runtime::OwnedPool;
/// use pool_runtime::owned::Hooks;
///
/// struct Encoder(Vec<u8>); // a type of another crate
///
/// struct Restart {
///     largest: usize,
/// }
///
/// impl Hooks<Encoder> for Restart {
///     fn reset(&self, encoder: &mut Encoder) {
///         encoder.0.clear();
///     }
///
///     fn retain(&self, encoder: &Encoder) -> bool {
///         encoder.0.capacity() <= self.largest
///     }
/// }
///
/// struct Server {
///     encoders: OwnedPool<Encoder, Restart>,
/// }
///
/// impl Server {
///     fn new(largest: usize) -> Self {
///         let encoder: Box<dyn Fn() -> Encoder + Send + Sync> = Box::new(|| Encoder(Vec::new()));
///         Self { encoders: OwnedPool::builder(encoder).hooks(Restart { largest }).build() }
///     }
/// }
///
/// let server = Server::new(1000);
/// server.encoders.acquire().0.resize(2000, 0);
/// assert_eq!(server.encoders.stats().dropped.retain, 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "a pool of `{T}` has no reset",
    label = "no reset for `{T}`",
    note = "write `#[derive(Reset)]` above the definition of `{T}`, or give the pool a reset: `OwnedPool::builder(..).reset(|object| ..).build()`"
)]
pub trait Hooks<T>: Send + Sync + 'static {
    /// Makes a released object as good as new. The thread that drops the guard calls it, never under a lock.
    fn reset(&self, object: &mut T);

    /// Whether the object, which is reset by now, is worth keeping.
    fn retain(&self, _object: &T) -> bool {
        true
    }

    /// Wipes the secrets in an object that the pool is about to drop: see [secrets](crate::secrets).
    fn wipe(_object: &mut T) {}
}

/// The reset of an object's own type; each object is worth keeping.
#[derive(Clone, Copy, Debug)]
pub struct ByReset;

/// The closure of [`Builder::reset`](crate::owned::Builder::reset); each object is worth keeping.
#[derive(Clone, Copy, Debug)]
pub struct By<C>(pub(super) C);

/// The closure of [`Builder::retain`](crate::owned::Builder::retain), beside other hooks.
#[derive(Clone, Copy, Debug)]
pub struct Retain<H, C>(pub(super) H, pub(super) C);

/// The hooks of no pool: [`OwnedPool::builder`](crate::OwnedPool::builder) stands there, before the hooks are known.
#[derive(Debug)]
pub enum NoHooks {}

impl<T> Hooks<T> for NoHooks {
    fn reset(&self, _object: &mut T) {
        match *self {}
    }
}

// The message of `Reset` speaks of a field.
#[diagnostic::do_not_recommend]
impl<T: Reset> Hooks<T> for ByReset {
    #[inline]
    fn reset(&self, object: &mut T) {
        object.reset();
    }

    #[inline]
    fn wipe(object: &mut T) {
        object.wipe_value();
    }
}

impl<T, C: Fn(&mut T) + Send + Sync + 'static> Hooks<T> for By<C> {
    #[inline]
    fn reset(&self, object: &mut T) {
        self.0(object);
    }
}

impl<T, H: Hooks<T>, C: Fn(&T) -> bool + Send + Sync + 'static> Hooks<T> for Retain<H, C> {
    #[inline]
    fn reset(&self, object: &mut T) {
        self.0.reset(object);
    }

    #[inline]
    fn retain(&self, object: &T) -> bool {
        self.0.retain(object) && self.1(object)
    }

    #[inline]
    fn wipe(object: &mut T) {
        H::wipe(object);
    }
}

/// Drops hooks of this type.
///
/// # Safety
///
/// As [`DropHooks`](crate::storage::life::DropHooks).
pub(super) unsafe fn drop_hooks<H>(hooks: *mut ()) {
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(hooks.cast::<H>()) });
}

/// Wipes and drops an object.
///
/// # Safety
///
/// The object came from a box of `T`.
pub(super) unsafe fn dispose<T: Send, H: Hooks<T>>(object: Object) {
    // SAFETY: the caller's promise.
    let mut object = unsafe { object.into_box::<T>() };
    H::wipe(&mut object);
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
