//! The pools, behind one trait, and the type that they pool.

pub(crate) mod limits;
pub(crate) mod lists;
pub(crate) mod none;
mod object;
pub(crate) mod ours;
pub(crate) mod peers;

use std::ops::DerefMut;

pub use object::Object;

/// A way to have an [`Object`] and to give it back.
///
/// The scenarios are generic over it, so each contestant is compiled into loops of its own.
pub trait Contestant: 'static {
    /// The pool, which the threads of a measurement share.
    type Pool: Sync;

    /// An object in use. Dropping it resets the object and releases it.
    type Held<'a>: DerefMut<Target = Object>;

    /// A pool that holds nothing.
    fn pool() -> Self::Pool;

    /// An object as good as new.
    fn acquire(pool: &Self::Pool) -> Self::Held<'_>;

    /// Such an object, with room for this many bytes.
    #[inline]
    fn acquire_for(pool: &Self::Pool, bytes: usize) -> Self::Held<'_> {
        let mut held = Self::acquire(pool);
        held.bytes.reserve(bytes);
        held
    }

    /// How many objects were made so far, in this process. `None` if each acquire makes an object.
    fn made() -> Option<u64> {
        Some(Object::counted_so_far())
    }
}

/// A contestant whose objects can be kept from going back.
pub trait Discard: Contestant {
    /// Drops the object.
    fn discard(held: Self::Held<'_>);
}
