//! The roster: every contestant, with the scenarios that it takes part in and the check that it has to pass.
//!
//! It stands above the pools, the scenarios and the checks, which know nothing of it: a new pool is a type in
//! [`contestant`](crate::contestant) and an entry here.

use std::cell::Cell;
use std::collections::BTreeMap;

use crossbeam_queue::{ArrayQueue, SegQueue};
use parking_lot::Mutex;
use pool_runtime::Backend;
use thread_local::ThreadLocal;

use crate::contestant::limits::{AtomicSwap, CellSwap, Limit};
use crate::contestant::lists::{Listed, ThreadLocalVec};
use crate::contestant::none::NoPool;
use crate::contestant::ours::Ours;
use crate::contestant::peers::{
    DynamicPool, EasyPool, LockfreeLinear, NEXUS_CAPACITY, NexusSync, ObjectPool, Opool, RegexAutomata, ShardedSlab,
    ShardedSlabOwned, Swimmer,
};
use crate::contestant::{Contestant, Discard, Object};
use crate::protocol::{Kind, Scenario, Task};
use crate::scenario::cold::{self, Types};
use crate::scenario::{self, Figures, handoff, plain, squeeze, sweep};
use crate::verify;

/// A contestant, as a child offers it.
pub struct Entry {
    /// The name in tables.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Its measurement in each scenario that it takes part in.
    pub scenarios: BTreeMap<Scenario, fn(&Task) -> Figures>,
    /// The most objects that may be out at once, if there is a limit.
    pub most_held: Option<usize>,
    /// Checks it, and says how many objects were made.
    pub verify: fn() -> Result<u64, String>,
}

impl Entry {
    fn new(name: &str, kind: Kind, verify: fn() -> Result<u64, String>) -> Self {
        Self { name: name.to_owned(), kind, scenarios: BTreeMap::new(), most_held: None, verify }
    }

    /// A contestant that holds one object at a time.
    fn one<C: Contestant>(name: &str, kind: Kind) -> Self {
        Self::new(name, kind, verify::one::<C>)
            .with(Scenario::Pair, scenario::pair::<C>)
            .with(Scenario::Tail, scenario::tail::<C>)
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

/// Ours, on the backend that this process has.
pub fn ours() -> Vec<Entry> {
    let entry = Entry::many::<Ours>(&name_of_ours(), Kind::Ours)
        .sends::<Ours>()
        .discards::<Ours>()
        .with(Scenario::Plain, plain::points_of::<Ours>)
        .with(Scenario::Squeeze, squeeze::files_of::<Ours>);
    if pool_runtime::backend() == Backend::Off {
        return vec![entry];
    }
    vec![
        entry
            .with(Scenario::ExpensiveNewAge, sweep::expensive_new_age)
            .with(Scenario::ExpensiveNewCollect, sweep::expensive_new_collect)
            .with(Scenario::Collect, sweep::collect),
    ]
}

/// Ours in the scenarios with many types.
pub fn ours_of_types<C: Types>() -> Entry {
    Entry::new(&name_of_ours(), Kind::Ours, verify::many::<Ours>).with_types::<C>()
}

/// Names the backend of this process. Behind a colon, the backend says why it was chosen, which is no part of the name.
fn name_of_ours() -> String {
    let backend = pool_runtime::backend().to_string();
    format!("pool-runtime, {}", backend.split(':').next().unwrap_or_default())
}

/// A list of objects in each thread.
pub const THREAD_LOCAL_VEC: &str = "thread_local! Vec";
const LOCKED_VEC: &str = "parking_lot Mutex<Vec>";

/// A list per thread and one under a lock, in the scenarios with many types.
pub fn of_types<ThreadLocal: Types, Locked: Types>() -> Vec<Entry> {
    vec![
        Entry::new(THREAD_LOCAL_VEC, Kind::Peer, verify::one::<Listed<ThreadLocalVec>>).with_types::<ThreadLocal>(),
        Entry::new(LOCKED_VEC, Kind::Peer, verify::one::<Listed<Mutex<Vec<Box<Object>>>>>).with_types::<Locked>(),
    ]
}

/// Everything else that is written in Rust and uses the allocator of the system.
pub fn field() -> Vec<Entry> {
    let mut entries = limits();
    entries.extend(lists());
    entries.extend(peers());
    entries.push(no_pool("glibc"));
    entries
}

fn limits() -> Vec<Entry> {
    let nothing = || Ok(0);
    vec![
        Entry::new("limit: the loop and the write alone", Kind::Limit, nothing)
            .with(Scenario::Pair, scenario::write_alone),
        Entry::new("limit: boxes that come back in their batch", Kind::Limit, nothing)
            .with(Scenario::Handoff, handoff::boxes_alone),
        Entry::one::<Limit<CellSwap>>("limit: thread-local cell", Kind::Limit),
        Entry::one::<Limit<AtomicSwap>>("limit: two uncontended atomic swaps", Kind::Limit),
    ]
}

fn lists() -> Vec<Entry> {
    vec![
        Entry::many::<Listed<ThreadLocalVec>>(THREAD_LOCAL_VEC, Kind::Peer)
            .sends::<Listed<ThreadLocalVec>>()
            .discards::<Listed<ThreadLocalVec>>()
            .with(Scenario::Plain, plain::points_of::<ThreadLocalVec>)
            .with(Scenario::Squeeze, squeeze::files_of::<ThreadLocalVec>),
        Entry::many::<Listed<ThreadLocal<Cell<Option<Box<Object>>>>>>("thread_local crate, Cell", Kind::Peer)
            .sends::<Listed<ThreadLocal<Cell<Option<Box<Object>>>>>>()
            .discards::<Listed<ThreadLocal<Cell<Option<Box<Object>>>>>>(),
        Entry::many::<Listed<Mutex<Vec<Box<Object>>>>>(LOCKED_VEC, Kind::Peer)
            .sends::<Listed<Mutex<Vec<Box<Object>>>>>()
            .discards::<Listed<Mutex<Vec<Box<Object>>>>>(),
        Entry::many::<Listed<ArrayQueue<Box<Object>>>>("crossbeam ArrayQueue", Kind::Peer)
            .sends::<Listed<ArrayQueue<Box<Object>>>>()
            .discards::<Listed<ArrayQueue<Box<Object>>>>(),
        Entry::many::<Listed<SegQueue<Box<Object>>>>("crossbeam SegQueue", Kind::Peer)
            .sends::<Listed<SegQueue<Box<Object>>>>()
            .discards::<Listed<SegQueue<Box<Object>>>>(),
    ]
}

fn peers() -> Vec<Entry> {
    vec![
        Entry::many::<RegexAutomata>("regex-automata", Kind::Peer).sends::<RegexAutomata>(),
        Entry::many::<ObjectPool>("object-pool", Kind::Peer).sends::<ObjectPool>().discards::<ObjectPool>(),
        Entry::many::<LockfreeLinear>("lockfree-object-pool, linear", Kind::Peer).sends::<LockfreeLinear>(),
        Entry::many::<Opool>("opool", Kind::Peer).sends::<Opool>().discards::<Opool>(),
        Entry::many::<ShardedSlab>("sharded-slab", Kind::Peer).sends::<ShardedSlabOwned>(),
        Entry {
            most_held: Some(NEXUS_CAPACITY),
            ..Entry::many::<NexusSync>("nexus-pool, sync, one per thread", Kind::Peer).sends::<NexusSync>()
        },
        Entry::many::<DynamicPool>("dynamic-pool", Kind::Peer).sends::<DynamicPool>().discards::<DynamicPool>(),
        Entry::many::<EasyPool>("easy-pool, mutex", Kind::Peer).sends::<EasyPool>(),
        Entry::many::<Swimmer>("swimmer", Kind::Peer).sends::<Swimmer>(),
    ]
}

/// No pool, on the allocator of this process.
pub fn no_pool(allocator: &str) -> Entry {
    Entry::many::<NoPool>(&format!("no pool, {allocator}"), Kind::Allocator)
        .sends::<NoPool>()
        .discards::<NoPool>()
        .with_types::<NoPool>()
        .with(Scenario::Collect, sweep::drop_all)
        .with(Scenario::Plain, plain::points_of::<NoPool>)
        .with(Scenario::Squeeze, squeeze::files_of::<NoPool>)
}
