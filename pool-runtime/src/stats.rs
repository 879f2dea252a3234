//! Statistics: the objects of a pool, and the counts of its work.
//!
//! The numbers come from `slots::counters`. `registry::rows` prints them.

use core::ops::Deref;
use std::borrow::Cow;

/// The numbers of a pool's objects, and the counts of its work since the process began.
///
/// `created + adopted == detached + dropped.total() + idle + in_use`, and `victims` are not more than `idle`.
///
/// While no other thread uses the pool, each number is exact. While others do, the numbers are of slightly different moments, since the slots are
/// read one after the other and no thread is stopped. An object that moves from an unread slot to a slot that has been read is not counted as idle,
/// and so as in use. An object that moves the other way is counted as idle twice, and an object that is in use is not counted. Objects move in
/// batches, and a thread that reads can be preempted between two slots. So `in_use` may be too large by as many objects as were idle, and too small
/// by as many as were in use. [`Pool::settled_stats`](crate::registry::PoolHandle::settled_stats) is exact, and costs a sweep.
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
    /// Bytes that the idle objects took up together when an ageing step last weighed them; zero after a collect. `None` if the type does not tell its
    /// weight (the derive's key `weigh`), or if there has been no step yet.
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
    /// Sweeps (collects, ageing steps, changes of the bound) that left the local stacks alone, since the system refused every way to get the threads
    /// out of them. The objects there stay, and are counted as idle. See [`collect`](crate::collect).
    pub unfenced: u64,
    /// Calls of `acquire` and `try_acquire`. Feature `hits`.
    #[cfg(feature = "hits")]
    pub acquires: u64,
    /// Acquires that got an idle object. Feature `hits`.
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
    /// Counts victims that are being weighed.
    pub(crate) fn add_held(&mut self, objects: usize) {
        self.victims += objects;
        self.idle += objects;
    }

    /// The counts that change the number of objects.
    pub(crate) fn came_and_went(&self) -> (u64, u64, u64, Dropped) {
        (self.created, self.adopted, self.detached, self.dropped)
    }

    /// Sets `in_use`: an object that is neither idle nor gone is in use.
    pub(crate) fn balance(&mut self) {
        let live = (self.created + self.adopted).saturating_sub(self.detached + self.dropped.total());
        self.in_use = usize::try_from(live).unwrap_or(usize::MAX).saturating_sub(self.idle);
    }
}

impl Dropped {
    /// Objects dropped, for all reasons together.
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
/// Its `Display` is a table for people, in the order of the names: a line for each pool, and below it the other numbers that are not zero. It is 100
/// columns wide at the most, or as many as the formatter's width says (`{:60}`), but not less than the numbers and eight columns of a name take. A
/// name that is too long loses its beginning. A number of a million and more has three digits and one of `M`, `G`, `T`, `P`, `E`, and is rounded
/// down. Characters that control a terminal are escaped.
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
