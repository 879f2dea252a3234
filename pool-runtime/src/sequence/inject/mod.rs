//! The additions of `--cfg pool_inject` to the sequences, empty without it: the test `inject` has each abort between any two steps.

#[cfg_attr(not(pool_inject), path = "none.rs")]
#[cfg_attr(all(pool_inject, target_arch = "x86_64"), path = "x86_64.rs")]
#[cfg_attr(all(pool_inject, target_arch = "aarch64"), path = "aarch64.rs")]
mod steps;

#[cfg(pool_inject)]
use core::sync::atomic::{AtomicU32, AtomicU64};

pub(super) use steps::{
    assemble, check_length, check_number, check_top, count_abort, keep_cpu, keep_number, keep_top, spin, trap,
};

/// The number of rounds that a sequence spins between any two of its steps.
#[cfg(pool_inject)]
pub static SPIN: AtomicU32 = AtomicU32::new(0);

/// The number of aborted sequences: counted at the abort address, to which only the kernel jumps.
#[cfg(pool_inject)]
pub static ABORTS: AtomicU64 = AtomicU64::new(0);
