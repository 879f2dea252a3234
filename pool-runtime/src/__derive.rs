//! The items that the derives name, under one path: no part of the public API, and free to change.

pub use std::boxed::Box;

use crate::HeapBytes;
use crate::reset::in_place::exchange;
pub use crate::{LimitCapacity, OnPanic, Pool, Pooled, Reset};
#[cfg(feature = "zeroize")]
pub use zeroize::Zeroize;

/// A type that can be made without a `new`: every type with a `Default`.
///
/// The trait stands between the derive and `Default` for its message, which names the other way.
#[diagnostic::on_unimplemented(
    message = "the pool of `{Self}` cannot make one",
    label = "neither `Default` nor `new`",
    note = "derive or implement `Default`, or name a function that makes one: `#[pooled(new = path)]`"
)]
pub trait Create: Sized {
    /// Makes an object.
    fn create() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> Create for T {
    #[inline]
    fn create() -> Self {
        Self::default()
    }
}

/// A function that makes a `T`, for `new`, or a box of one, for `new_boxed`. The trait stands for its message.
#[diagnostic::on_unimplemented(
    message = "an object is made by `fn() -> {T}`, not by `{Self}`",
    label = "returns no `{T}`",
    note = "an acquire that finds no idle object makes one, and cannot fail: have `new` unwrap what may be an error, and acquire by \
            `try_acquire_with(|| ..)`, whose closure returns a `Result`, where one is to be expected",
    note = "a function that returns a `Box` is for `new_boxed`, and any other for `new`"
)]
pub trait Makes<T> {
    /// The function itself.
    fn function(self) -> fn() -> T;
}

#[diagnostic::do_not_recommend]
impl<T, F: Is<fn() -> T>> Makes<T> for F {
    #[inline(always)]
    fn function(self) -> fn() -> T {
        self.it()
    }
}

/// A function that resets a `T`, for `reset` and `with`. The trait stands for its message.
#[diagnostic::on_unimplemented(
    message = "an object or a field is reset by a function that returns nothing, not by `{Self}`",
    label = "what it returns would be dropped",
    note = "if that does not matter, write a closure that drops it, as in `|it| drop(clear(it))`",
    note = "a reset cannot fail: have it note a failure in a field, and have `retain` refuse the object"
)]
pub trait Resets<T: ?Sized> {
    /// The function itself.
    fn function(self) -> fn(&mut T);
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized, F: Is<fn(&mut T)>> Resets<T> for F {
    #[inline(always)]
    fn function(self) -> fn(&mut T) {
        self.it()
    }
}

/// The same type. It has one implementation, so that the compiler knows by it what a closure returns that could return any type.
pub trait Is<T> {
    /// The value itself.
    fn it(self) -> T;
}

impl<T> Is<T> for T {
    #[inline(always)]
    fn it(self) -> T {
        self
    }
}

/// Exchanges an object for a new one, and drops the old one in the new one's box: neither is ever on the stack.
pub fn renew<T: Pooled>(object: &mut T) {
    let mut new = T::create_boxed();
    exchange(object, &mut new);
}

/// A type that is its default when it is made and reset without keys: every enum with a `Default`.
///
/// The trait stands between the derives and `Default` for its message, as [`Create`] does.
#[diagnostic::on_unimplemented(
    message = "the enum `{Self}` has no default variant to be reset to",
    label = "no `Default`",
    note = "mark a variant `#[pooled(default)]`, or derive `Default` and mark one `#[default]`"
)]
pub trait DefaultVariant: Sized {
    /// Makes the default variant.
    fn default_variant() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> DefaultVariant for T {
    #[inline]
    fn default_variant() -> Self {
        Self::default()
    }
}

/// A type that derives `Reset`. The trait stands before `Reset` for its message.
#[diagnostic::on_unimplemented(
    message = "`bound` is a key for `#[derive(Reset)]`, and `{Self}` has no `Reset`",
    label = "of no use without it",
    note = "derive `Reset` too, or remove `bound`: what has a pool needs none"
)]
pub trait DerivesReset {}

#[diagnostic::do_not_recommend]
impl<T: Reset> DerivesReset for T {}

/// Refuses a key of `#[derive(Reset)]` on a type without it.
pub fn needs_reset<T: DerivesReset>() {}

/// Refuses a key of `#[derive(Pooled)]` on a type without it.
pub fn needs_pool<T: Pooled>() {}

/// A type that the key `default` can be given to: every type with a `Default`. The trait stands before `Default` for its message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `Default` to be reset to",
    label = "no `Default`",
    note = "write `#[pooled(set = value)]` or `#[pooled(with = path)]`, wrap it in an `Option`, or derive or implement `Default`"
)]
pub trait HasDefault: Sized {
    /// Makes the default.
    fn default_value() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> HasDefault for T {
    #[inline(always)]
    fn default_value() -> Self {
        Self::default()
    }
}

/// The `clear` of a type that has none of its own that takes an exclusive reference: this method takes a reference to that
/// reference. A method call looks for it behind the type's own methods, and before those of the type that it dereferences to.
#[doc(hidden)]
pub trait NoClear<T: ?Sized> {
    /// Refused.
    fn clear(&self)
    where
        T: OwnClear;
}

impl<T: ?Sized> NoClear<T> for &mut T {
    fn clear(&self)
    where
        T: OwnClear,
    {
    }
}

/// No type has this trait: it stands for its message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `clear(&mut self)` of its own",
    label = "no `fn(&mut self)` of this type",
    note = "one by value or by shared reference, and that of what the type dereferences to, may leave the field as it is",
    note = "write `#[pooled(with = |field| field.clear())]` if such a `clear` is meant, or `#[pooled(default)]`, \
            `#[pooled(set = value)]`"
)]
pub trait OwnClear {}

/// Takes the result of a `clear`.
#[inline(always)]
pub fn cleared<T: Nothing>(_: T) {}

/// `()`. The trait stands for its message.
#[diagnostic::on_unimplemented(
    message = "`clear` returns `{Self}`, and the key `clear` is for one that returns nothing",
    label = "returns `{Self}`, which would be dropped",
    note = "write `#[pooled(with = path)]`, with a function that clears the field whatever `clear` returns"
)]
pub trait Nothing {}

impl Nothing for () {}

/// A field that has been wiped.
pub struct Wiped<'a, T: ?Sized>(pub &'a mut T);

/// `Zeroize` keeps the length of a boxed slice.
impl<T> Wiped<'_, Box<[T]>> {
    /// Makes the field as new.
    #[inline]
    pub fn renew(self) {
        *self.0 = Box::default();
    }
}

impl<T: Reset + ?Sized> Wiped<'_, T> {
    /// Makes the field as new.
    #[inline]
    pub fn renew(self) {
        self.0.reset();
    }
}

/// `renew` for a type without `Reset`.
pub trait LeaveWiped {
    /// Does nothing.
    fn renew(self);
}

impl<T: ?Sized> LeaveWiped for Wiped<'_, T> {
    #[inline]
    fn renew(self) {}
}

/// A field of an object that is weighed. The derive calls [`__heap_bytes`](WeighsSomething::__heap_bytes) on a reference to a field: the
/// compiler takes a method first that it finds without another reference, which is the method of a type with [`HeapBytes`].
pub struct Weighed<'a, T: ?Sized>(pub &'a T);

/// A field that owns memory.
pub trait WeighsSomething {
    /// The bytes of that memory.
    fn __heap_bytes(&self) -> usize;
}

impl<T: HeapBytes + ?Sized> WeighsSomething for Weighed<'_, T> {
    #[inline]
    fn __heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

/// Any other field.
pub trait WeighsNothing {
    /// Zero.
    #[inline]
    fn __heap_bytes(&self) -> usize {
        0
    }
}

impl<T: ?Sized> WeighsNothing for &Weighed<'_, T> {}
