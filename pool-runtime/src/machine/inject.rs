//! What the injection stress sets and reads, under `--cfg pool_inject` alone: `tests/inject.rs`.

use core::sync::atomic::{AtomicU32, AtomicU64};

/// How many rounds a sequence spins between any two of its steps.
pub static SPIN: AtomicU32 = AtomicU32::new(0);

/// How many sequences were aborted: counted at the abort address, where only the kernel goes.
pub static ABORTS: AtomicU64 = AtomicU64::new(0);
