//! [`Counters`], the numbers of operations of the threads that work with one slot.
//!
//! An acquire or a release that succeeds at once counts nothing. The slow paths count, each in the slot that it works for, and a reader adds
//! the slots up. With the feature `hits` every acquire counts itself in its slot, too.
//!
//! # Orderings
//!
//! All counters are `Relaxed`: each is a number of its own, and orders nothing.

#[cfg(not(target_has_atomic = "64"))]
use core::sync::atomic::AtomicU32;
#[cfg(target_has_atomic = "64")]
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use crate::stats::Stats;

/// The reason that an object is dropped for: an index into [`Counters`], and a field of [`Dropped`](crate::stats::Dropped).
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

/// A number that only grows: 64 bits everywhere, since a pool that is acquired from a million times a second counts 2³² in an hour.
#[cfg(target_has_atomic = "64")]
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

#[cfg(target_has_atomic = "64")]
impl Counter {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn add(&self, n: usize) {
        self.0.fetch_add(n as u64, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(crate) fn clear(&self) {
        self.0.store(0, Relaxed);
    }
}

/// A number of 64 bits in two halves. Between the two steps of an addition that carries, a reader finds 2³² too few.
#[cfg(not(target_has_atomic = "64"))]
#[derive(Default)]
pub(crate) struct Counter {
    low: AtomicU32,
    high: AtomicU32,
}

#[cfg(not(target_has_atomic = "64"))]
impl Counter {
    pub(crate) const fn new() -> Self {
        Self { low: AtomicU32::new(0), high: AtomicU32::new(0) }
    }

    pub(crate) fn add(&self, n: usize) {
        let n = n as u32;
        if self.low.fetch_add(n, Relaxed).checked_add(n).is_none() {
            self.high.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn clear(&self) {
        self.low.store(0, Relaxed);
        self.high.store(0, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        loop {
            let high = self.high.load(Relaxed);
            let low = self.low.load(Relaxed);
            if self.high.load(Relaxed) == high {
                return u64::from(high) << 32 | u64::from(low);
            }
        }
    }
}

/// The counters of one slot, or of a pool's sweeps. Any thread adds to them and reads them.
pub(crate) struct Counters {
    pub(crate) created: Counter,
    pub(crate) adopted: Counter,
    pub(crate) detached: Counter,
    pub(crate) refills: Counter,
    pub(crate) flushes: Counter,
    pub(crate) steals: Counter,
    #[cfg(feature = "hits")]
    hits: Counter,
    #[cfg(feature = "hits")]
    misses: Counter,
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
            #[cfg(feature = "hits")]
            hits: Counter::new(),
            #[cfg(feature = "hits")]
            misses: Counter::new(),
            dropped: [const { Counter::new() }; 8],
        }
    }

    /// Sets all counters to zero. No other thread adds to them meanwhile.
    pub(crate) fn clear(&self) {
        let Self { created, adopted, detached, refills, flushes, steals, dropped, .. } = self;
        [created, adopted, detached, refills, flushes, steals].into_iter().chain(dropped).for_each(Counter::clear);
        #[cfg(feature = "hits")]
        [&self.hits, &self.misses].into_iter().for_each(Counter::clear);
    }

    pub(crate) fn dropped(&self, reason: Reason, objects: usize) {
        if objects > 0 {
            self.dropped[reason as usize].add(objects);
        }
    }

    /// Counts an acquire that got an idle object, or did not.
    #[cfg(feature = "hits")]
    pub(crate) fn acquired(&self, hit: bool) {
        if hit { &self.hits } else { &self.misses }.add(1);
    }

    /// Adds these numbers to those of other slots.
    pub(crate) fn add_to(&self, stats: &mut Stats) {
        stats.created += self.created.get();
        stats.adopted += self.adopted.get();
        stats.detached += self.detached.get();
        stats.refills += self.refills.get();
        stats.flushes += self.flushes.get();
        stats.steals += self.steals.get();
        #[cfg(feature = "hits")]
        {
            let hits = self.hits.get();
            stats.hits += hits;
            stats.acquires += hits + self.misses.get();
        }
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

#[cfg(test)]
mod tests {
    use super::Counter;

    #[test]
    fn a_counter_goes_on_beyond_32_bits() {
        let counter = Counter::new();
        (0..3).for_each(|_| counter.add(u32::MAX as usize));
        counter.add(3);
        assert_eq!(counter.get(), 3 << 32);
    }
}
