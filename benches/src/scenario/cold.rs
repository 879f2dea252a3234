//! Many pools, each used now and then. A static pool belongs to a type: these are in `bin/cold.rs`, with code of their own each, as
//! a program with many types has it. Pools that are values may all be of one type, and share its code.
//!
//! An object here has a buffer of 64 bytes, so that the pools are measured and not the memory of their objects.

use std::hint::black_box;
use std::time::Instant;

use pool_runtime::owned::ByReset;
use pool_runtime::{OwnedPool, Reset};

use super::threads::run;
use super::{BATCH, Figures, times};
use crate::contestant::none::NoPool;
use crate::contestant::ours::Owned;
use crate::contestant::peers::{LockfreeLinear, ObjectPool, Opool, OpoolAllocator, RegexAutomata};
use crate::protocol::Task;

/// A contestant with a pool for each of many types.
pub trait Types: 'static {
    /// Acquires an object of this type, writes to it, and releases it.
    fn cycle(index: usize);
}

/// A contestant whose pools are values.
pub(crate) trait Values: 'static {
    /// A pool of [`Small`].
    type Pool: Sync;

    /// A pool that holds nothing.
    fn pool() -> Self::Pool;

    /// Acquires an object of this pool, writes to it, and releases it.
    fn cycle(pool: &Self::Pool);
}

/// As many types as the task's size says, in turn.
pub fn types<C: Types>(task: &Task) -> Figures {
    let lane = |index: usize| {
        let mut next = index;
        move || {
            for _ in 0..BATCH {
                next = if next + 1 < task.size { next + 1 } else { 0 };
                C::cycle(black_box(next));
            }
            BATCH
        }
    };
    times(&run(task, lane))
}

/// As many pools as the task's size says, in turn.
pub(crate) fn values<C: Values>(task: &Task) -> Figures {
    let pools: Vec<C::Pool> = (0..task.size).map(|_| C::pool()).collect();
    let lane = |index: usize| {
        let pools = &pools;
        let mut next = index;
        move || {
            for _ in 0..BATCH {
                next = if next + 1 < pools.len() { next + 1 } else { 0 };
                C::cycle(&pools[black_box(next)]);
            }
            BATCH
        }
    };
    times(&run(task, lane))
}

/// The first cycle of each pool, in a process that has used none of them.
pub fn first_use<C: Types>(task: &Task) -> Figures {
    let mut times: Vec<f64> = (0..task.size)
        .map(|index| {
            let start = Instant::now();
            C::cycle(black_box(index));
            start.elapsed().as_nanos() as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    vec![("median_ns", times[times.len() / 2]), ("p99_ns", times[times.len() * 99 / 100])]
}

/// The object of these scenarios.
#[derive(Reset)]
pub struct Small {
    bytes: Vec<u8>,
    lines: u64,
}

impl Default for Small {
    fn default() -> Self {
        Self { bytes: Vec::with_capacity(64), lines: 0 }
    }
}

impl Small {
    /// The least that a user does with an object.
    #[inline]
    pub fn write(&mut self) {
        self.bytes.push(b'x');
        self.lines += 1;
        black_box(self);
    }
}

impl Types for NoPool {
    #[inline]
    fn cycle(_: usize) {
        black_box(Box::<Small>::default()).write();
    }
}

impl Values for Owned {
    type Pool = OwnedPool<Small, ByReset, fn() -> Small>;

    fn pool() -> Self::Pool {
        OwnedPool::new(Small::default)
    }

    #[inline]
    fn cycle(pool: &Self::Pool) {
        pool.acquire().write();
    }
}

impl Values for RegexAutomata {
    type Pool = regex_automata::util::pool::Pool<Small>;

    fn pool() -> Self::Pool {
        regex_automata::util::pool::Pool::new(Small::default)
    }

    #[inline]
    fn cycle(pool: &Self::Pool) {
        let mut small = pool.get();
        small.write();
        small.reset();
    }
}

impl Values for ObjectPool {
    type Pool = object_pool::Pool<Small>;

    fn pool() -> Self::Pool {
        object_pool::Pool::new(0, Small::default)
    }

    #[inline]
    fn cycle(pool: &Self::Pool) {
        let mut small = pool.pull(Small::default);
        small.write();
        small.reset();
    }
}

impl Values for LockfreeLinear {
    type Pool = lockfree_object_pool::LinearObjectPool<Small>;

    fn pool() -> Self::Pool {
        lockfree_object_pool::LinearObjectPool::new(Small::default, Small::reset)
    }

    #[inline]
    fn cycle(pool: &Self::Pool) {
        pool.pull().write();
    }
}

impl opool::PoolAllocator<Small> for OpoolAllocator {
    #[inline]
    fn allocate(&self) -> Small {
        Small::default()
    }

    #[inline]
    fn reset(&self, small: &mut Small) {
        small.reset();
    }
}

impl Values for Opool {
    type Pool = opool::Pool<OpoolAllocator, Small>;

    fn pool() -> Self::Pool {
        // The crate allocates the queue for its bound at once.
        opool::Pool::new(64, OpoolAllocator)
    }

    #[inline]
    fn cycle(pool: &Self::Pool) {
        pool.get().write();
    }
}
