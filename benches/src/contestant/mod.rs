//! The pools, behind one trait, and what they pool.

mod limits;
mod lists;
mod none;
mod object;
mod ours;
mod peers;

use std::collections::BTreeMap;
use std::ops::DerefMut;

pub use lists::ThreadLocalVec;
pub use none::NoPool;
pub use object::Object;
pub use ours::Ours;

use crate::protocol::{Kind, Scenario, Task};
use crate::scenario::cold::{self, Types};
use crate::scenario::{self, Figures, handoff};
use crate::verify;

/// A way to have an [`Object`] and to give it back.
///
/// What is measured is generic over it, so each contestant is compiled into its own loops.
pub trait Contestant: 'static {
    /// What the threads of one measurement share.
    type Pool: Sync;

    /// An object in use. Dropping it resets the object and releases it.
    type Held<'a>: DerefMut<Target = Object>;

    /// A pool that holds nothing.
    fn pool() -> Self::Pool;

    /// An object as good as new.
    fn acquire(pool: &Self::Pool) -> Self::Held<'_>;

    /// The same, for content of this many bytes.
    #[inline]
    fn acquire_for(pool: &Self::Pool, bytes: usize) -> Self::Held<'_> {
        let mut held = Self::acquire(pool);
        held.bytes.reserve(bytes);
        held
    }

    /// How many objects were made so far, in this process. `None` where each acquire makes one.
    fn made() -> Option<u64> {
        Some(Object::counted_so_far())
    }
}

/// A contestant whose objects can be kept from going back.
pub trait Discard: Contestant {
    /// Drops the object.
    fn discard(held: Self::Held<'_>);
}

/// A contestant, as a child offers it.
pub struct Entry {
    /// The name in tables.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it does in each scenario.
    pub scenarios: BTreeMap<Scenario, fn(&Task) -> Figures>,
    /// The most objects that may be out at once, where there is a limit.
    pub most_held: Option<usize>,
    /// Checks it, and says how many objects were made.
    pub verify: fn() -> Result<u64, String>,
}

impl Entry {
    /// A contestant that holds one object at a time.
    fn one<C: Contestant>(name: &str, kind: Kind) -> Self {
        let entry =
            Self { name: name.to_owned(), kind, scenarios: BTreeMap::new(), most_held: None, verify: verify::one::<C> };
        entry.with(Scenario::Pair, scenario::pair::<C>).with(Scenario::Tail, scenario::tail::<C>)
    }

    /// A contestant that holds many.
    fn many<C: Contestant>(name: &str, kind: Kind) -> Self {
        Self::one::<C>(name, kind)
            .with(Scenario::Burst, scenario::burst::<C>)
            .with(Scenario::Overflow, scenario::burst::<C>)
            .with(Scenario::MixedSizes, scenario::mixed_sizes::<C>)
            .with(Scenario::JsonLines, scenario::json_lines::<C>)
    }

    /// And whose objects may be released by other threads.
    fn sends<C: Contestant>(self) -> Self
    where
        for<'a> C::Held<'a>: Send,
    {
        Self { verify: verify::many::<C>, ..self.with(Scenario::Handoff, handoff::through_queues::<C>) }
    }

    /// And can keep an object.
    fn discards<C: Discard>(self) -> Self {
        self.with(Scenario::Starvation, scenario::starvation::<C>)
    }

    /// With a pool for each of many types.
    fn with_types<C: Types>(self) -> Self {
        self.with(Scenario::ColdTypes, cold::types::<C>).with(Scenario::FirstUse, cold::first_use::<C>)
    }

    fn with(mut self, scenario: Scenario, run: fn(&Task) -> Figures) -> Self {
        self.scenarios.insert(scenario, run);
        self
    }
}

/// Ours, on whichever backend this process has.
pub fn ours() -> Vec<Entry> {
    vec![ours::entry()]
}

/// Ours in the scenarios with many types.
pub fn ours_of_types<C: Types>() -> Entry {
    Entry { scenarios: BTreeMap::new(), ..ours::entry() }.with_types::<C>()
}

/// A list per thread and one under a lock, in the scenarios with many types.
pub fn of_types<ThreadLocal: Types, Locked: Types>() -> Vec<Entry> {
    lists::entries_of_types::<ThreadLocal, Locked>()
}

/// Everything else that is written in Rust and uses the allocator of the system.
pub fn field() -> Vec<Entry> {
    let mut entries = limits::entries();
    entries.extend(lists::entries());
    entries.extend(peers::entries());
    entries.push(no_pool("glibc"));
    entries
}

/// No pool, on the allocator of this process.
pub fn no_pool(allocator: &str) -> Entry {
    none::entry(allocator)
}
