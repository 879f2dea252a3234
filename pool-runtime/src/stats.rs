//! Statistics: what a pool holds and what it has done.
//!
//! Nothing is counted where an acquire or a release succeeds at once. The slow paths count, each in the slot that it
//! works for, and reading adds the slots up. With the feature `hits` every acquire counts itself in its slot, too.
//!
//! # Orderings
//!
//! All counters are `Relaxed`: each is a number of its own, and orders nothing.

use core::fmt;
use core::ops::Deref;
#[cfg(not(target_has_atomic = "64"))]
use core::sync::atomic::AtomicU32;
#[cfg(target_has_atomic = "64")]
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use crate::store::Store;

/// What a pool holds, and what it has done since the process began.
///
/// While no other thread uses the pool, `created + adopted == detached + dropped.total() + idle + in_use`, exactly.
/// While others do, the numbers are of slightly different moments: each gauge is a sum over the slots, read one after the other.
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
    /// Sweeps (collects, ageing steps, changes of the bound) that left the private stacks alone, since the system refused every way to
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
        self.by_reason().into_iter().map(|(_, dropped)| dropped).sum()
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
/// A list of [`Stats`], one per pool. Its `Display` is a table for people, in the order of the names.
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
/// pool  in use  idle  victims  created  adopted  detached  refills  flushes  steals  dropped
/// line       1     0        0        3        0         0        0        0       0  2: 1 discard, 1 collect
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Rows(pub(crate) Vec<Stats>);

impl Deref for Rows {
    type Target = [Stats];

    fn deref(&self) -> &[Stats] {
        &self.0
    }
}

impl IntoIterator for Rows {
    type Item = Stats;
    type IntoIter = std::vec::IntoIter<Stats>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Rows {
    type Item = &'a Stats;
    type IntoIter = core::slice::Iter<'a, Stats>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pools: Vec<&Stats> = self.iter().collect();
        pools.sort_by_key(|pool| pool.name);
        let mut lines = vec![HEAD.map(str::to_owned)];
        lines.extend(pools.into_iter().map(cells));
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; COLUMNS] = core::array::from_fn(width);
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "{:width$}", line[0], width = widths[0])?;
            for (cell, width) in line.iter().zip(widths).take(COLUMNS - 1).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
            // The last is text, and as long as it is.
            write!(f, "  {}", line[COLUMNS - 1])?;
        }
        Ok(())
    }
}

#[cfg(not(feature = "hits"))]
const COLUMNS: usize = 11;
#[cfg(feature = "hits")]
const COLUMNS: usize = 13;

/// The columns of the table. The first is text, and so is the last.
const HEAD: [&str; COLUMNS] = [
    "pool",
    "in use",
    "idle",
    "victims",
    "created",
    "adopted",
    "detached",
    "refills",
    "flushes",
    "steals",
    #[cfg(feature = "hits")]
    "acquires",
    #[cfg(feature = "hits")]
    "hits",
    "dropped",
];

/// One line of the table.
fn cells(pool: &Stats) -> [String; COLUMNS] {
    let reasons = pool.dropped.by_reason().into_iter().filter(|&(_, dropped)| dropped > 0);
    let reasons: Vec<_> = reasons.map(|(reason, dropped)| format!("{dropped} {reason}")).collect();
    let colon = if reasons.is_empty() { "" } else { ": " };
    [
        pool.name.to_owned(),
        pool.in_use.to_string(),
        pool.idle.to_string(),
        pool.victims.to_string(),
        pool.created.to_string(),
        pool.adopted.to_string(),
        pool.detached.to_string(),
        pool.refills.to_string(),
        pool.flushes.to_string(),
        pool.steals.to_string(),
        #[cfg(feature = "hits")]
        pool.acquires.to_string(),
        #[cfg(feature = "hits")]
        pool.hits.to_string(),
        format!("{}{colon}{}", pool.dropped.total(), reasons.join(", ")),
    ]
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
    let counters = &store.here().1.counters;
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
