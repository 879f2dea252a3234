//! [`Object`], the type that every contestant pools.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use pool_runtime::{Pooled, Reset};

/// A fresh object has room for so many bytes.
const CAPACITY: usize = 1024;

/// How many idle objects a pool with a bound keeps: more than any scenario has.
pub(super) const BOUND: usize = 16 * 1024;

/// A buffer of 1 KiB and a number.
#[derive(Pooled, Reset)]
#[pooled(new = Self::new, max_idle = BOUND)]
pub struct Object {
    /// Content.
    pub bytes: Vec<u8>,
    /// A plain field beside it.
    pub lines: u64,
}

static COUNTED: AtomicU64 = AtomicU64::new(0);

impl Object {
    /// A fresh object.
    #[inline]
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// A fresh object with room for this many bytes.
    #[inline]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), lines: 0 }
    }

    /// A fresh object, counted: the constructor for pools that do not count themselves.
    pub fn counted() -> Self {
        COUNTED.fetch_add(1, Relaxed);
        Self::new()
    }

    /// How many objects were counted.
    pub fn counted_so_far() -> u64 {
        COUNTED.load(Relaxed)
    }

    /// The reset that the derive of [`Pooled`] writes, for the pools without a derive.
    #[inline]
    pub fn reset(&mut self) {
        self.bytes.clear();
        self.lines = 0;
    }

    /// Whether it is as good as new.
    pub fn is_clean(&self) -> bool {
        self.bytes.is_empty() && self.lines == 0 && self.bytes.capacity() >= CAPACITY
    }
}

impl Default for Object {
    fn default() -> Self {
        Self::counted()
    }
}
