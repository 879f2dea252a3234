//! [`Guard`], the owner of an object that is in use.
//!
//! # Invariants
//!
//! 1. A guard's object came from a `Box<T>`. The guard is its only owner, and puts it into the pool of `T`, drops it or hands it on.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::panic::UnwindSafe;
use core::ptr;

use crate::slots::object::{Dispose, Object};
use crate::typed::objects::dispose;
use crate::{Pool, Pooled, Reset};

/// An object that is in use: it goes back to the pool of its type when the guard is dropped.
///
/// A guard is one pointer wide, and so is `Option<Guard<T>>`. The object stays at one address while the guard lives, even if the
/// guard is moved, and any thread may drop the guard. It is `Send`, `Sync` and `UnwindSafe` exactly if `Box<T>` is.
///
/// Beside the traits a guard has associated functions only, called as `Guard::into_inner(guard)`, so that they shadow no method of `T`.
///
/// # Two fields at once
///
/// A guard lends its object by `Deref` and `DerefMut`, and the compiler looks through `Box` alone: of a guard, `guard.items`
/// and `guard.sum` in one expression are two borrows of the whole (error E0502 or E0499). Borrow the object once, and its fields from that:
///
/// ```
/// use pool_runtime::Pooled;
///
/// #[derive(Default, Pooled)]
/// struct Scratch {
///     items: Vec<u32>,
///     sum: u32,
/// }
///
/// let mut guard = Scratch::acquire();
/// guard.items.extend([1, 2, 3]);
/// let object = &mut *guard;
/// for item in &object.items {
///     object.sum += item;
/// }
/// assert_eq!(guard.sum, 6);
/// ```
///
/// # Traits
///
/// A guard has the traits of `Box<T>`, if `T` has them. As with a box, the compiler finds a method of one of these traits before a method
/// of this name that `T` has by itself.
///
/// | trait | of a guard |
/// |---|---|
/// | `Deref`, `DerefMut`, `Borrow<T>`, `BorrowMut<T>` | lends the object |
/// | `AsRef<U>`, `AsMut<U>` | if `T` has it, for any `U`: a guard may stand for bytes, text or a path |
/// | `Default` | acquires an object, whatever `T`'s own `Default` is |
/// | `From<T>`, `From<Box<T>>` | [adopts](Pooled::adopt) a value, or [an object in its box](Pooled::adopt_box) |
/// | `Debug`, `Display`, `PartialEq`, `Eq`, `PartialOrd`, `Ord`, `Hash`, `Error` | the object's |
/// | `fmt::Pointer` | the object's address |
/// | `io::Read`, `io::BufRead`, `io::Write`, `io::Seek`, `fmt::Write`, `Hasher` | the object's; each method of these, so none is slower than on the object |
/// | `Iterator`, `DoubleEndedIterator`, `ExactSizeIterator`, `FusedIterator` | the object's; by value, the object is released with the iterator |
/// | `serde::Serialize` | the object's; feature `serde` |
/// | `stable_deref_trait::StableDeref` | moving the guard does not move the object; feature `stable_deref_trait` |
///
/// Traits that a guard does not have, and code to write instead:
///
/// | trait | why | instead |
/// |---|---|---|
/// | `AsRef<T>` | it cannot stand beside `AsRef<U>`, since a `T` may have `AsRef<T>` | `&*guard`; or `impl AsRef<Page> for Page`, and its guards have it too |
/// | `Clone` | it would adopt a copy, or acquire and overwrite: the caller says which | `T::adopt(T::clone(&guard))`, or `T::acquire().clone_from(&guard)` |
/// | `Future` | a future that has ended may not be polled again, and the pool would hand it out next | `Pin::new(&mut *guard).await` |
/// | `Fn`, `FnMut`, `FnOnce` | no type can implement them in stable Rust | a method |
/// | `serde::Deserialize` | it could adopt a new object or fill an idle one | `T::deserialize(..).map(Guard::from)` |
/// | `IntoIterator`, `Extend`, `FromIterator` | a box has none for one object; the first would take the object apart | `for item in &mut guard.items`; methods of the object |
/// | `AsFd` and its like | differ by system | `guard.as_fd()` finds the object's |
///
/// # Panics
///
/// The drop of a guard runs the type's reset and `retain`. If one of them panics, the object is dropped and the panic goes on.
///
/// # Signal handlers
///
/// A handler may drop a guard, as it may [`acquire`](Pooled::acquire) one: the drop waits for no thread. It runs the type's reset and
/// `retain`, calls the allocator if a shared list has to grow, and drops the object if the pool is full.
///
/// # Examples
///
/// ```
/// use pool_runtime::{Guard, Pooled};
///
/// #[derive(Default, Pooled)]
/// struct Words(Vec<String>);
///
/// let mut words = Words::acquire();
/// words.0.push("one".to_owned());
/// let words: Words = Guard::into_inner(words); // out of the pool for good
/// assert_eq!(words.0, ["one"]);
/// ```
///
/// A guard may own the memory of [`bytes::Bytes`](https://docs.rs/bytes): the object is released when the last clone is
/// dropped.
///
/// ```
/// use bytes::Bytes;
/// use pool_runtime::Pooled;
///
/// #[derive(Default, Pooled)]
/// struct Page(Vec<u8>);
///
/// impl AsRef<[u8]> for Page {
///     fn as_ref(&self) -> &[u8] {
///         &self.0
///     }
/// }
///
/// let mut page = Page::acquire();
/// page.0.extend_from_slice(b"hello world");
/// let world = Bytes::from_owner(page).slice(6..);
/// assert_eq!(&world[..], b"world");
/// drop(world);
/// assert_eq!(Page::pool().stats().in_use, 0);
/// ```
#[must_use = "a guard that is not kept puts its object straight back into the pool"]
pub struct Guard<T: Pooled>(Object, PhantomData<Box<T>>);

// SAFETY: a guard owns its object as a `Box<T>` does (invariant 1), so sending it sends a `T`.
unsafe impl<T: Pooled> Send for Guard<T> {}
// SAFETY: a shared guard gives out `&T` and nothing else, as a shared `Box<T>` does.
unsafe impl<T: Pooled + Sync> Sync for Guard<T> {}

// SAFETY: the object lies in an allocation of its own, which the guard owns by a pointer (invariant 1 of `guard`): moving the
// guard moves the pointer alone, and asserts nothing about the object. `Deref` and `DerefMut` give out the object at
// this address and nothing else, and do not change the pointer. The references that go through `Guard<T>` are the trait's; none borrows
// from the guard itself.
#[cfg(feature = "stable_deref_trait")]
unsafe impl<T: Pooled> stable_deref_trait::StableDeref for Guard<T> {}

impl<T: Pooled + UnwindSafe> UnwindSafe for Guard<T> {}

impl<T: Pooled> Pool<T> {
    /// A guard for an object of this pool. Each of the pool's objects came from a `Box<T>` (invariant 2 of `object`).
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(super) fn guard(&'static self, object: Object) -> Guard<T> {
        #[cfg(feature = "diagnose")]
        crate::diagnose::acquired(&self.handle.0, object.as_raw());
        Guard(object, PhantomData)
    }
}

impl<T: Pooled> Guard<T> {
    /// Takes the object out of the pool for good.
    ///
    /// It is neither reset nor wiped: [secrets](crate::secrets) in it are the caller's, and a copy of them stays in the memory of its box,
    /// which is freed. [`into_box`](Self::into_box) makes no copy.
    pub fn into_inner(guard: Self) -> T {
        *Self::into_box(guard)
    }

    /// Takes the object out of the pool for good, in the box in which it has lived.
    ///
    /// As with [`into_inner`](Self::into_inner), it is neither reset nor wiped.
    pub fn into_box(guard: Self) -> Box<T> {
        let (pool, object) = guard.end();
        // SAFETY: it came from a box of this type (invariant 1).
        let object = unsafe { object.into_box() };
        pool.note_detached();
        object
    }

    /// Drops the object instead of putting it back. It is not reset; fields marked `zeroize` are wiped.
    pub fn discard(guard: Self) {
        let (pool, object) = guard.end();
        pool.discard(object);
    }

    /// Takes the object out of the pool and never frees it. It is neither reset nor wiped.
    pub fn leak(guard: Self) -> &'static mut T {
        Box::leak(Self::into_box(guard))
    }

    fn end(self) -> (&'static Pool<T>, Object) {
        let guard = ManuallyDrop::new(self);
        // SAFETY: the guard is not dropped, and its object is not used through it any more.
        let ending = unsafe { Ending::new(&guard.0, dispose::<T>) };
        (T::pool(), ending.defuse())
    }
}

/// The owner of the object of a guard that ends, while `T::pool` runs. A `pool` that is written by hand may panic: then the object is
/// wiped and dropped.
struct Ending {
    object: ManuallyDrop<Object>,
    /// The function of the object's type.
    dispose: Dispose,
}

impl Ending {
    /// # Safety
    ///
    /// The object, a guard's, is not used through the guard any more, and the function is that of its type.
    #[inline]
    unsafe fn new(object: &Object, dispose: Dispose) -> Self {
        // Before any other thread can have the object.
        #[cfg(feature = "diagnose")]
        crate::diagnose::released(object.as_raw());
        // SAFETY: the caller's promise: it has one owner.
        let object = ManuallyDrop::new(unsafe { ptr::read(object) });
        Self { object, dispose }
    }

    #[inline]
    fn defuse(self) -> Object {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: neither `this` nor its field is used again.
        unsafe { ManuallyDrop::take(&mut this.object) }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // SAFETY: the field is not used again.
        let object = unsafe { ManuallyDrop::take(&mut self.object) };
        // SAFETY: the function is that of the object's type.
        unsafe { (self.dispose)(object) };
    }
}

impl<T: Pooled> Drop for Guard<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the guard ends here.
        let ending = unsafe { Ending::new(&self.0, dispose::<T>) };
        let pool = T::pool();
        pool.release(ending.defuse());
    }
}

/// Resets the object by the rules of its own pool; it stays in use. For fields that are guards.
///
/// If this trait is in scope, `guard.reset()` is this, though `T` may have a `reset` of its own: write `(*guard).reset()` for that.
impl<T: Pooled> Reset for Guard<T> {
    #[inline]
    fn reset(&mut self) {
        T::reset_object(self);
    }
}

impl<T: Pooled> Deref for Guard<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard owns a live object (invariant 1), borrowed for as long as the guard is.
        unsafe { &*(self.0.as_raw() as *const T) }
    }
}

impl<T: Pooled> DerefMut for Guard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`, and the guard is borrowed exclusively.
        unsafe { &mut *(self.0.as_raw() as *mut T) }
    }
}
