//! What `#[derive(Pooled)]` calls beside the public API: no part of it, and free to change.

#[cfg(feature = "zeroize")]
pub use zeroize::Zeroize;

/// A type that can be made without a `new`: every type with a `Default`.
///
/// It stands between the derive and `Default` for its message, which names the other way.
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
