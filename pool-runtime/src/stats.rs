//! Statistics: what a pool holds and what it has done.
//!
//! Nothing is counted where an acquire or a release succeeds at once. The slow paths count, each in the slot that it
//! works for, and reading adds the slots up.
//!
//! # Orderings
//!
//! All counters are `Relaxed`: each is a number of its own, and orders nothing.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

/// What a pool holds, and what it has done since the process began.
///
/// While no other thread uses the pool, `created + adopted == detached + dropped.total() + idle + in_use`, exactly.
/// While others do, the numbers are of slightly different moments.
///
/// # Examples
///
/// ```
/// use pool_runtime::Pooled;
///
/// #[derive(Default, Pooled)]
/// struct Line(Vec<u8>);
///
/// let (one, two) = (Line::acquire(), Line::acquire());
/// drop(one);
/// let stats = Line::pool().stats();
/// assert_eq!((stats.created, stats.in_use, stats.idle), (2, 1, 1));
/// # drop(two);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The pool's name: the type's path, or the derive's key `name`.
    pub name: &'static str,
    /// Objects in the pool, victims included.
    pub idle: usize,
    /// Objects in the pool that were idle at the last ageing step already.
    pub victims: usize,
    /// Objects out in a guard.
    pub in_use: usize,
    /// Objects made by `new`.
    pub created: u64,
    /// Objects that came in through `adopt`.
    pub adopted: u64,
    /// Objects that left through `into_inner`, `into_box` and `leak`.
    pub detached: u64,
    /// Batches moved from a slot's shared list into its private stack.
    pub refills: u64,
    /// Batches moved from a private stack to a shared list.
    pub flushes: u64,
    /// Visits to another slot's shared list that took something.
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
    /// Every list that could have taken the object was in another thread's hands.
    pub busy: u64,
    /// `retain` refused the object.
    pub retain: u64,
    /// The guard was dropped while unwinding, or `reset` or `retain` panicked.
    pub panic: u64,
    /// [`Guard::discard`](crate::Guard::discard).
    pub discard: u64,
    /// [`collect`](crate::collect), or a bound that was lowered.
    pub collect: u64,
    /// Idle for a whole ageing interval.
    pub age: u64,
    /// Pooling is off.
    pub off: u64,
}

impl Dropped {
    /// Objects dropped for whatever reason.
    pub fn total(&self) -> u64 {
        self.bound + self.busy + self.retain + self.panic + self.discard + self.collect + self.age + self.off
    }
}

/// Why an object is dropped: an index into [`Counters`], and a field of [`Dropped`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Bound,
    Busy,
    Retain,
    Panic,
    Discard,
    Collect,
    Age,
    Off,
}

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Counter(AtomicUsize);

impl Counter {
    const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    pub(crate) fn add(&self, n: usize) {
        self.0.fetch_add(n, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed) as u64
    }
}

/// What one slot counts.
pub(crate) struct Counters {
    pub(crate) created: Counter,
    pub(crate) adopted: Counter,
    pub(crate) detached: Counter,
    pub(crate) refills: Counter,
    pub(crate) flushes: Counter,
    pub(crate) steals: Counter,
    dropped: [Counter; 8],
}

impl Counters {
    pub(crate) const fn new() -> Self {
        Self {
            created: Counter::new(),
            adopted: Counter::new(),
            detached: Counter::new(),
            refills: Counter::new(),
            flushes: Counter::new(),
            steals: Counter::new(),
            dropped: [const { Counter::new() }; 8],
        }
    }

    pub(crate) fn dropped(&self, reason: Reason, objects: usize) {
        if objects > 0 {
            self.dropped[reason as usize].add(objects);
        }
    }

    /// Adds these numbers to what was read of other slots.
    pub(crate) fn add_to(&self, stats: &mut Stats) {
        stats.created += self.created.get();
        stats.adopted += self.adopted.get();
        stats.detached += self.detached.get();
        stats.refills += self.refills.get();
        stats.flushes += self.flushes.get();
        stats.steals += self.steals.get();
        let dropped = |reason: Reason| self.dropped[reason as usize].get();
        stats.dropped.bound += dropped(Reason::Bound);
        stats.dropped.busy += dropped(Reason::Busy);
        stats.dropped.retain += dropped(Reason::Retain);
        stats.dropped.panic += dropped(Reason::Panic);
        stats.dropped.discard += dropped(Reason::Discard);
        stats.dropped.collect += dropped(Reason::Collect);
        stats.dropped.age += dropped(Reason::Age);
        stats.dropped.off += dropped(Reason::Off);
    }
}
