//! This project's pool.

use pool_runtime::{Backend, Guard, Pooled};

use super::{Contestant, Discard, Entry, Object};
use crate::protocol::{Kind, Scenario};
use crate::scenario::{http, plain, squeeze, sweep};

/// The pool of [`Object`], as the derive made it.
pub struct Ours;

impl Contestant for Ours {
    type Pool = ();
    type Held<'a> = Guard<Object>;

    /// The pool is a static, so what earlier measurements left in it is dropped, and its local stacks shrink.
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

/// The name of ours on the backend of this process: what stands behind a colon is why it has it.
fn name() -> String {
    let backend = pool_runtime::backend().to_string();
    format!("pool-runtime, {}", backend.split(':').next().unwrap_or_default())
}

pub(super) fn entry() -> Entry {
    let entry = Entry::many::<Ours>(&name(), Kind::Ours)
        .sends::<Ours>()
        .discards::<Ours>()
        .with(Scenario::Plain, plain::points_of::<Ours>)
        .with(Scenario::Squeeze, squeeze::files_of::<Ours>)
        .with(Scenario::Http, http::pages_of::<Ours>);
    if pool_runtime::backend() == Backend::Off {
        return entry;
    }
    entry
        .with(Scenario::ExpensiveNewAge, sweep::expensive_new_age)
        .with(Scenario::ExpensiveNewCollect, sweep::expensive_new_collect)
        .with(Scenario::Collect, sweep::collect)
}
