//! The pool's objects and bytes at a moment.

use std::time::{Duration, Instant};

use pool_runtime::Pooled;

use crate::load::{self, Buffer};

#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// Since the start.
    pub(crate) time: Duration,
    pub(crate) in_use: usize,
    /// Victims included.
    pub(crate) idle: usize,
    pub(crate) victims: usize,
    /// In all buffers, in use and idle.
    pub(crate) bytes: usize,
}

/// One of the numbers of a sample.
pub(crate) type Value = fn(&Sample) -> usize;

impl Sample {
    pub(crate) fn now(start: Instant) -> Self {
        let stats = Buffer::pool().stats();
        Self {
            time: start.elapsed(),
            in_use: stats.in_use,
            idle: stats.idle,
            victims: stats.victims,
            bytes: load::bytes(),
        }
    }
}

pub(crate) fn in_mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
