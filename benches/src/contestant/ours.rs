//! This project's pools: the static of a type, and the value.

use pool_runtime::owned::ByReset;
use pool_runtime::{Guard, OwnedGuard, OwnedPool, Pooled};

use super::object::BOUND;
use super::{Contestant, Discard, Object};

/// The pool of [`Object`], as the derive made it.
pub(crate) struct Ours;

impl Contestant for Ours {
    type Pool = ();
    type Held<'a> = Guard<Object>;

    /// Empties the pool, which is a static: drops the objects that earlier measurements left, and shrinks its local stacks.
    fn pool() {
        for _ in 0..8 {
            Object::pool().age();
        }
        Object::pool().collect();
    }

    #[inline]
    fn acquire((): &()) -> Guard<Object> {
        Object::acquire()
    }

    fn made() -> Option<u64> {
        Some(Object::pool().stats().created)
    }
}

impl Discard for Ours {
    fn discard(held: Guard<Object>) {
        Guard::discard(held);
    }
}

/// A pool of [`Object`] that is a value.
pub(crate) struct Owned;

impl Contestant for Owned {
    type Pool = OwnedPool<Object, ByReset, fn() -> Object>;
    type Held<'a> = OwnedGuard<Object>;

    fn pool() -> Self::Pool {
        OwnedPool::builder(Object::counted as fn() -> Object).max_idle(BOUND).build()
    }

    #[inline]
    fn acquire(pool: &Self::Pool) -> OwnedGuard<Object> {
        pool.acquire()
    }
}

impl Discard for Owned {
    fn discard(held: OwnedGuard<Object>) {
        OwnedGuard::discard(held);
    }
}
