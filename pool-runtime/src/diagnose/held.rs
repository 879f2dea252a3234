//! The objects that are out, for people: by place, and one by one.

use core::fmt;
use core::ops::Deref;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;
use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::diagnose::clock::{between, now};
use crate::diagnose::place;
use crate::diagnose::sample::{NEVER, THRESHOLD};
use crate::diagnose::table::{self, Record};
use crate::storage::store::Store;
use crate::storage::sweeping::{Sweeping, lock};

/// A place in a source file. Printed as `file:line:column`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct Place {
    /// The path of the file, as the compiler was told it.
    pub file: Cow<'static, str>,
    /// The line, from one on.
    pub line: u32,
    /// The column, from one on.
    pub column: u32,
}

/// The recorded objects of one pool that were acquired at one place and are out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct InUse {
    /// The pool's name.
    pub pool: Cow<'static, str>,
    /// The place of the acquire.
    pub place: Place,
    /// How many recorded objects are out.
    pub recorded: usize,
    /// How many objects are out, as an estimate: each recorded object stands for as many acquires as one was recorded of.
    pub estimated: usize,
    /// How many of the recorded objects are held for longer than the threshold ([`held_longer_than`](crate::diagnose::held_longer_than)).
    pub overdue: usize,
    /// How long the recorded object has been out that was acquired last.
    pub youngest: Duration,
    /// How long the recorded object has been out that was acquired first.
    pub oldest: Duration,
    /// The backtrace of that object's acquire, if there is one ([`backtraces`](crate::diagnose::backtraces)).
    pub backtrace: Option<String>,
}

/// The objects that are out, by place: [`registry::in_use_report`](crate::registry::in_use_report).
///
/// A list of [`InUse`], one for each pool and place. The places at which most objects were acquired come first.
///
/// Its `Display` is a table for people, as that of [`AllStats`](crate::stats::AllStats), and of its width. The alternate form (`{:#}`) has the
/// backtraces below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(transparent))]
pub struct InUseReport(pub(crate) Vec<InUse>);

/// A recorded object that is held for long, or has returned after it was. Printed as a sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct Held {
    /// The pool's name.
    pub pool: Cow<'static, str>,
    /// The place of the acquire.
    pub place: Place,
    /// How long the object has been out, or was out.
    pub held: Duration,
    /// The backtrace of the acquire, if there is one.
    pub backtrace: Option<String>,
}

/// The objects of which a [`check`] tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct Check {
    /// Objects that are held for longer than the threshold, and of which no check has told before.
    pub overdue: Vec<Held>,
    /// Objects of which a check has told, and which have returned since.
    pub returned: Vec<Held>,
}

/// Tells of the recorded objects that have been held for longer than the threshold
/// ([`held_longer_than`](crate::diagnose::held_longer_than)) and of those that have returned after a check had told of them: of each once.
///
/// With the feature `tracing` it tells the subscriber, too, and a [`Collector`](crate::Collector) makes a check after each of its steps. What that check
/// has told, no other tells. Without the feature `tracing` the collector makes none.
///
/// An object that is held is not lost: a check says how long it has been out, and no more. If it comes back while the check is made, it is told with
/// those that have returned, by this check or the next.
///
/// It may wait as [`registry::stats`](crate::registry::stats) does, and like that is not to be called from a memory allocator or a signal handler.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use pool_runtime::{Pooled, diagnose};
///
/// #[derive(Default, Pooled)]
/// struct Line(Vec<u8>);
///
/// diagnose::sample_every(1);
/// diagnose::held_longer_than(Duration::ZERO);
/// let held = Line::acquire();
/// assert!(diagnose::check().overdue[0].pool.ends_with("Line"));
/// assert!(diagnose::check().overdue.is_empty(), "it was told once");
/// drop(held);
/// assert_eq!(diagnose::check().returned.len(), 1);
/// # diagnose::held_longer_than(None);
/// ```
pub fn check() -> Check {
    let (mut overdue, mut returned) = (Vec::new(), Vec::new());
    {
        let lock = lock();
        let now = now();
        table::visit(&lock, |record| {
            if !record.told && is_overdue(record, now) {
                record.told = true;
                overdue.push(Found::of(record, now));
            }
        });
        for record in table::take_returned(&lock) {
            returned.push(Found::of(&record, record.returned));
        }
    }
    let told = |found: Vec<Found>| found.into_iter().map(Found::into_held).collect();
    let check = Check { overdue: told(overdue), returned: told(returned) };
    tell(&check);
    check
}

/// [`check`], for the collector.
#[cfg(feature = "tracing")]
pub(crate) fn check_and_tell() {
    if THRESHOLD.load(Relaxed) != NEVER {
        check();
    }
}

fn tell(check: &Check) {
    #[cfg(feature = "tracing")]
    {
        for held in &check.overdue {
            crate::events::overdue(&held.pool, &held.place, held.held, held.backtrace.as_deref());
        }
        for held in &check.returned {
            crate::events::returned(&held.pool, &held.place, held.held);
        }
    }
    let _ = check;
}

/// [`registry::in_use_report`](crate::registry::in_use_report).
pub(crate) fn in_use() -> InUseReport {
    report(|_| true)
}

/// The objects that are out of pools which are not among these: of pools that were values, and are dropped.
pub(crate) fn in_use_of_others(stores: &[&'static Store]) -> InUseReport {
    let pools: Vec<_> = stores.iter().map(|store| table::identity(store)).collect();
    report(|record| !pools.contains(&record.pool))
}

/// The objects of one pool that are out.
pub(crate) fn in_use_of(store: &'static Store) -> InUseReport {
    let pool = table::identity(store);
    report(|record| record.pool == pool)
}

/// Ends the records of a pool that is about to be gone, whose guards never end. The lock is held.
#[allow(dead_code, reason = "only glibc tells that a library is unloaded")]
pub(crate) fn forget(lock: &Sweeping, store: &'static Store) {
    let pool = table::identity(store);
    table::forget(lock, |record| record.pool == pool);
}

fn report(is_meant: impl Fn(&Record) -> bool) -> InUseReport {
    let mut found: BTreeMap<(usize, usize), (InUse, Found)> = BTreeMap::new();
    {
        let lock = lock();
        let now = now();
        table::visit(&lock, |record| {
            if !is_meant(record) {
                return;
            }
            let key = (record.pool, core::ptr::from_ref(record.place).addr());
            let one = Found::of(record, now);
            let (row, oldest) = found.entry(key).or_insert_with(|| {
                let row = InUse { youngest: one.held, ..InUse::default() };
                (row, one.clone())
            });
            row.recorded += 1;
            row.estimated = row.estimated.saturating_add(record.every as usize);
            row.overdue += usize::from(is_overdue(record, now));
            row.youngest = row.youngest.min(one.held);
            if one.held > oldest.held {
                *oldest = one;
            }
        });
    }
    // Not under the lock: the names of a backtrace take milliseconds.
    let finish = |(row, oldest): (InUse, Found)| {
        let Held { pool, place, held, backtrace } = oldest.into_held();
        InUse { pool, place, oldest: held, backtrace, ..row }
    };
    let mut rows: Vec<InUse> = found.into_values().map(finish).collect();
    rows.sort_by(|one, other| {
        let places = || (&one.pool, &one.place).cmp(&(&other.pool, &other.place));
        (other.estimated, other.oldest).cmp(&(one.estimated, one.oldest)).then_with(places)
    });
    InUseReport(rows)
}

fn is_overdue(record: &Record, now: Option<Instant>) -> bool {
    let threshold = THRESHOLD.load(Relaxed);
    threshold != NEVER && between(record.since, now).as_millis() >= threshold as u128
}

/// A record that was read. Its backtrace has no names yet.
#[derive(Clone)]
struct Found {
    pool: &'static str,
    place: &'static place::Place,
    held: Duration,
    backtrace: Option<Arc<Backtrace>>,
}

impl Found {
    fn of(record: &Record, until: Option<Instant>) -> Self {
        let held = between(record.since, until);
        Self { pool: record.name, place: record.place, held, backtrace: record.backtrace.clone() }
    }

    fn into_held(self) -> Held {
        let place::Place { file, line, column, .. } = self.place;
        Held {
            pool: self.pool.into(),
            place: Place { file: Cow::Borrowed(file), line: *line, column: *column },
            held: self.held,
            backtrace: self.backtrace.map(|backtrace| backtrace.to_string()),
        }
    }
}

impl Deref for InUseReport {
    type Target = [InUse];

    fn deref(&self) -> &[InUse] {
        &self.0
    }
}

impl IntoIterator for InUseReport {
    type Item = InUse;
    type IntoIter = std::vec::IntoIter<InUse>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a InUseReport {
    type Item = &'a InUse;
    type IntoIter = core::slice::Iter<'a, InUse>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object of the pool `{}`, acquired at {}, held for {:.3?}", self.pool, self.place, self.held)
    }
}
