//! No pool: an object is made for each use and dropped after it.

use super::{Contestant, Discard, Object};

/// The allocator of this process.
pub(crate) struct NoPool;

impl Contestant for NoPool {
    type Pool = ();
    /// Boxed, as an object is that is kept in a pool or passed around.
    type Held<'a> = Box<Object>;

    fn pool() {}

    #[inline]
    fn acquire((): &()) -> Box<Object> {
        Box::new(Object::new())
    }

    #[inline]
    fn acquire_for((): &(), bytes: usize) -> Box<Object> {
        Box::new(Object::with_capacity(bytes))
    }

    fn made() -> Option<u64> {
        None
    }
}

impl Discard for NoPool {
    fn discard(held: Box<Object>) {
        drop(held);
    }
}
