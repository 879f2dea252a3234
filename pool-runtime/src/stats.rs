//! Statistics.
//!
//! Counters are `Relaxed`: each is a number of its own, and orders nothing.

/// What a pool holds and what it has done since the start of the process.
///
/// `created + adopted == detached + dropped.total() + idle + in_use` when no other thread uses the pool meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The pool's name: the type's path, or the derive's key `name`.
    pub name: &'static str,
    /// Objects in the pool, victims included.
    pub idle: usize,
    /// Objects in the pool that were idle at the last ageing step.
    pub victims: usize,
    /// Objects out in a guard.
    pub in_use: usize,
    /// Objects made by `new`.
    pub created: u64,
    /// Objects that came in through `adopt`.
    pub adopted: u64,
    /// Objects that left through `into_inner`, `into_box` and `leak`.
    pub detached: u64,
    /// Batches moved from a shared list into a private stack.
    pub refills: u64,
    /// Batches moved from a private stack to the shared list of its slot.
    pub flushes: u64,
    /// Visits to another slot's shared list that found something.
    pub steals: u64,
    /// Objects dropped, by reason.
    pub dropped: Dropped,
}

/// Objects that a pool has dropped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// The pool held as many idle objects as it may.
    pub bound: u64,
    /// Every list that could have taken the object was locked by another thread.
    pub busy: u64,
    /// `retain` refused the object.
    pub retain: u64,
    /// The guard was dropped while unwinding, or reset or `retain` panicked.
    pub panic: u64,
    /// `Guard::discard`.
    pub discard: u64,
    /// `collect`, or a bound that was lowered.
    pub collect: u64,
    /// Idle for a whole ageing interval.
    pub age: u64,
    /// Pooling is switched off.
    pub off: u64,
}

impl Dropped {
    /// The objects dropped for any reason.
    pub fn total(&self) -> u64 {
        self.bound + self.busy + self.retain + self.panic + self.discard + self.collect + self.age + self.off
    }
}
