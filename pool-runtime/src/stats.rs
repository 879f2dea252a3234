//! Statistics: what a pool holds and what it has done.
//!
//! Nothing is counted where an acquire or a release succeeds at once. The slow paths count, each in the slot that it
//! works for, and reading adds the slots up. With the feature `hits` every acquire counts itself in its slot, too. How the rows are
//! printed is in `rows`.
//!
//! # Orderings
//!
//! All counters are `Relaxed`: each is a number of its own, and orders nothing.

use core::ops::Deref;
#[cfg(not(target_has_atomic = "64"))]
use core::sync::atomic::AtomicU32;
#[cfg(target_has_atomic = "64")]
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use std::borrow::Cow;

use crate::slots::slot::Slot;
use crate::storage::store::Store;

/// What a pool holds, and what it has done since the process began.
///
/// `created + adopted == detached + dropped.total() + idle + in_use`, and `victims` are not more than `idle`.
///
/// While no other thread uses the pool, each number is exact. While others do, the numbers are of slightly different moments, since the
/// slots are read one after the other and nobody is stopped. An object that is moved from a slot that has not been read to one that has is not
/// counted as idle, and so as in use; one that is moved the other way is counted as idle twice, and something that is in use is not
/// counted. Objects move in batches, and a thread that reads can be preempted between two slots. So `in_use` may be too large by as many objects as
/// were idle, and too small by as many as were in use. [`Pool::settled_stats`](crate::Pool::settled_stats) is exact, and costs a sweep.
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
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct Stats {
    /// The pool's name: the type's path, or the derive's key `name`.
    pub name: Cow<'static, str>,
    /// Objects in the pool, victims included.
    pub idle: usize,
    /// Objects that the pool may keep: its bound.
    pub max_idle: usize,
    /// Objects in the pool that were idle at the last ageing step already.
    pub victims: usize,
    /// Objects out in a guard.
    pub in_use: usize,
    /// What the idle objects took up together, in bytes, when they were last weighed, which ageing steps do; zero after a collect. `None` if the
    /// type does not say it (the derive's key `weigh`), or if there has been no step yet.
    pub idle_bytes: Option<usize>,
    /// Objects made by `new`.
    pub created: u64,
    /// Objects that came in through `adopt`.
    pub adopted: u64,
    /// Objects that left through `into_inner`, `into_box` and `leak`.
    pub detached: u64,
    /// Batches moved from a slot's shared list into its local stack.
    pub refills: u64,
    /// Batches moved from a local stack to a shared list.
    pub flushes: u64,
    /// Visits to another slot's shared list that took something.
    pub steals: u64,
    /// Sweeps (collects, ageing steps, changes of the bound) that left the local stacks alone, since the system refused every way to
    /// have the threads out of them: what lies there stays, and is counted as idle. See [`collect`](crate::collect).
    pub unfenced: u64,
    /// Calls of `acquire` and `try_acquire`. Feature `hits`.
    #[cfg(feature = "hits")]
    pub acquires: u64,
    /// Those of them that got an idle object. Feature `hits`.
    #[cfg(feature = "hits")]
    pub hits: u64,
    /// Objects dropped, by reason.
    pub dropped: Dropped,
}

/// Objects that a pool has dropped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
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
    /// [`collect`](crate::collect), a bound that was lowered, or a budget ([`max_bytes`](crate::collector::Builder::max_bytes)).
    pub collect: u64,
    /// Idle for a whole ageing interval.
    pub age: u64,
    /// Pooling is off.
    pub off: u64,
}

impl Stats {
    /// Counts what lies in a slot, each place once: so there are never more victims than there is idle.
    pub(crate) fn add_idle(&mut self, slot: &Slot) {
        let victims = slot.lists.victims.len();
        self.victims += victims;
        self.idle += slot.local.len() + slot.lists.shared.len() + victims;
    }

    /// Counts victims that are being weighed.
    pub(crate) fn add_held(&mut self, objects: usize) {
        self.victims += objects;
        self.idle += objects;
    }

    /// All that changes how many objects there are.
    pub(crate) fn came_and_went(&self) -> (u64, u64, u64, Dropped) {
        (self.created, self.adopted, self.detached, self.dropped)
    }

    /// What is neither idle nor gone is in use.
    pub(crate) fn balance(&mut self) {
        let live = (self.created + self.adopted).saturating_sub(self.detached + self.dropped.total());
        self.in_use = usize::try_from(live).unwrap_or(usize::MAX).saturating_sub(self.idle);
    }
}

impl Dropped {
    /// Objects dropped for whatever reason.
    pub fn total(&self) -> u64 {
        self.by_reason().into_iter().map(|(_, dropped)| dropped).sum()
    }

    #[cfg(all(test, not(pool_loom)))]
    pub(crate) fn by_reason_mut(&mut self) -> [&mut u64; 8] {
        let Self { bound, busy, retain, panic, discard, collect, age, off } = self;
        [bound, busy, retain, panic, discard, collect, age, off]
    }

    /// Each reason and its number, in the order of the fields.
    pub(crate) fn by_reason(&self) -> [(&'static str, u64); 8] {
        [
            ("bound", self.bound),
            ("busy", self.busy),
            ("retain", self.retain),
            ("panic", self.panic),
            ("discard", self.discard),
            ("collect", self.collect),
            ("age", self.age),
            ("off", self.off),
        ]
    }
}

/// The statistics of every pool that has been used: [`registry::stats`](crate::registry::stats).
///
/// A list of [`Stats`], one per pool.
///
/// Its `Display` is a table for people, in the order of the names: a line for each pool, and below it what else is not zero. It is 100 columns
/// wide at the most, or as many as the formatter's width says (`{:60}`), but not less than the numbers and eight columns of a name take. A name
/// that is too long loses its beginning. A number of a million and more has three digits and one of `M`, `G`, `T`, `P`, `E`, and is rounded down.
/// Characters that control a terminal are escaped.
///
/// # Examples
///
/// ```
/// # use pool_runtime::Pooled;
/// # #[derive(Default, Pooled)]
/// # #[pooled(name = "line")]
/// # struct Line(Vec<u8>);
/// # let held = (Line::acquire(), Line::acquire());
/// # drop(held.0);
/// # Line::pool().collect();
/// # pool_runtime::Guard::discard(Line::acquire());
/// let stats = pool_runtime::registry::stats();
/// let idle: usize = stats.iter().map(|pool| pool.idle).sum();
/// println!("{stats}");
/// # assert_eq!(idle, 0);
/// ```
///
/// ```text
/// pool  in use  idle  victims  max idle  created  dropped
/// line       1     0        0       128        3        2
///     dropped by discard 1, collect 1
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(transparent))]
pub struct AllStats(pub(crate) Vec<Stats>);

impl Deref for AllStats {
    type Target = [Stats];

    fn deref(&self) -> &[Stats] {
        &self.0
    }
}

impl IntoIterator for AllStats {
    type Item = Stats;
    type IntoIter = std::vec::IntoIter<Stats>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a AllStats {
    type Item = &'a Stats;
    type IntoIter = core::slice::Iter<'a, Stats>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
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
}

/// The same in two halves. Between the two steps of an addition that carries, a reader finds 2³² too few.
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

/// What one slot counts.
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

/// Counts an acquire that got an idle object, or did not. Without the feature `hits` this is nothing.
#[cfg(feature = "hits")]
#[inline]
pub(crate) fn count_acquire(store: &'static Store, hit: bool) {
    let counters = &store.slot_or_make().1.counters;
    if hit { &counters.hits } else { &counters.misses }.add(1);
}

#[cfg(not(feature = "hits"))]
#[inline(always)]
pub(crate) fn count_acquire(_store: &'static Store, _hit: bool) {}

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
