//! Many pools, each of a type of its own and used now and then. Those are in `bin/cold.rs`, with code of their own each, as a
//! program with many types has it.
//!
//! An object here has a buffer of 64 bytes, so that the pools are measured and not the memory of their objects.

use std::hint::black_box;
use std::time::Instant;

use super::threads::run;
use super::{BATCH, Figures, times};
use crate::contestant::none::NoPool;
use crate::protocol::Task;

/// A contestant with a pool for each of many types.
pub trait Types: 'static {
    /// Acquires an object of this type, writes to it, and releases it.
    fn cycle(index: usize);
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

    /// As good as new.
    #[inline]
    pub fn reset(&mut self) {
        self.bytes.clear();
        self.lines = 0;
    }
}

impl Types for NoPool {
    #[inline]
    fn cycle(_: usize) {
        black_box(Box::<Small>::default()).write();
    }
}
