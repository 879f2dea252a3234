//! No pool: an object is made for each use and dropped after it.

use super::{Contestant, Discard, Entry, Object};
use crate::protocol::{Kind, Scenario};
use crate::scenario::{cold, http, plain, squeeze, sweep};

/// The allocator of this process.
pub struct NoPool;

impl Contestant for NoPool {
    type Pool = ();
    /// Boxed, as what is kept in a pool or passed around is.
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

pub(super) fn entry(allocator: &str) -> Entry {
    Entry::many::<NoPool>(&format!("no pool, {allocator}"), Kind::Allocator)
        .sends::<NoPool>()
        .discards::<NoPool>()
        .with(Scenario::ColdTypes, cold::types::<NoPool>)
        .with(Scenario::FirstUse, cold::first_use::<NoPool>)
        .with(Scenario::Collect, sweep::drop_all)
        .with(Scenario::Plain, plain::points_of::<NoPool>)
        .with(Scenario::Squeeze, squeeze::files_of::<NoPool>)
        .with(Scenario::Http, http::pages_of::<NoPool>)
}
