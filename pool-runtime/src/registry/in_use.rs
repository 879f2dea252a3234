//! The objects that are in use, for people: the report of a process, its table, and the words at the end of a program. Feature `diagnose`.

use core::fmt;
use core::fmt::Write as _;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU32, AtomicUsize};
use core::time::Duration;
use std::collections::BTreeSet;

use unicode_width::UnicodeWidthStr as _;

use crate::diagnose::{self, InUse, InUseReport};
#[cfg(feature = "tracing")]
use crate::events;
use crate::machine::process;
use crate::machine::report::report;
use crate::registry::handle::PoolHandle;
use crate::registry::rows::{GAP, LEAST_NAME, WIDTH, end_of, escaped, short};
use crate::storage::store::POOLS;
use crate::storage::sweeping::lock;

/// The recorded objects that are out, grouped by pool and place, with their ages. Feature `diagnose`.
///
/// Which acquires are recorded is a setting: [`diagnose::sample_every`]. While other threads use the pools, a row counts objects that were out at
/// some moment of the call; an object that comes back and is acquired again meanwhile may be counted at both places.
///
/// Costs a look at each place of the table of records, 448 as a rule, and stops no acquire and no release. It may wait as [`stats`](super::stats)
/// does, and like that is not to be called from a memory allocator or a signal handler. In a child of `fork` the objects of the parent's other threads
/// are out, as they are in the statistics.
///
/// # Examples
///
/// ```
/// use pool_runtime::{Pooled, diagnose, registry};
///
/// #[derive(Default, Pooled)]
/// #[pooled(name = "line")]
/// struct Line(Vec<u8>);
///
/// diagnose::sample_every(1);
/// let held = (Line::acquire(), Line::acquire());
/// let report = registry::in_use_report();
/// println!("{report}");
/// assert_eq!((report.len(), report[0].recorded), (2, 1));
/// # drop(held);
/// ```
///
/// ```text
/// pool  recorded  estimated  overdue  youngest  oldest  place
/// line         1          1        0     21 µs   21 µs  src/main.rs:8:13
/// line         1          1        0     20 µs   20 µs  src/main.rs:8:30
/// ```
pub fn in_use_report() -> InUseReport {
    diagnose::in_use()
}

/// Has the returned handle report, when it is dropped, each object that is still in use. Feature `diagnose`.
///
/// A program makes it as the first statement of `main`, so that it is dropped last. The number of a pool's objects in use is exact, whatever the sample
/// is; the places are those of the recorded ones. With the feature `tracing` and a subscriber that wants warnings, each is an event. Otherwise the
/// report is written to standard error. If nothing is in use, nothing is reported. While the handle lives, the drop of an
/// [`OwnedPool`](crate::OwnedPool) reports the objects of that pool that are in use.
///
/// No program can see whether an object that is out was forgotten (`mem::forget`, a circle of `Arc`s), or is in a static, or is held by a thread that
/// still runs. So the report is that it is in use, and since when; a program that joins its threads knows the rest. A program that ends by
/// [`std::process::exit`] drops no handle. In a child of `fork` the handle does nothing.
///
/// Its drop may wait as [`settled_stats`](PoolHandle::settled_stats) does.
///
/// # Examples
///
/// ```
/// let _at_end = pool_runtime::registry::report_at_end();
/// // … the program …
/// ```
pub fn report_at_end() -> AtEnd {
    let process = process::current();
    HANDLES.fetch_add(1, Relaxed);
    PROCESS.store(process, Relaxed);
    AtEnd { process }
}

/// The handle of [`report_at_end`]: the report is made when it is dropped.
#[derive(Debug)]
#[must_use = "the report is made when the handle is dropped"]
pub struct AtEnd {
    process: u32,
}

/// The number of handles. Any thread changes it, and the drop of a pool reads it, as the next.
static HANDLES: AtomicUsize = AtomicUsize::new(0);

/// The process that has made the last handle: a child of `fork` reports nothing.
static PROCESS: AtomicU32 = AtomicU32::new(0);

impl Drop for AtEnd {
    fn drop(&mut self) {
        HANDLES.fetch_sub(1, Relaxed);
        if self.process != process::current() {
            return;
        }
        let stores = {
            let _lock = lock();
            POOLS.listed()
        };
        for store in &stores {
            report_still_in_use(PoolHandle::of(store), "at the end of the program");
        }
        // Guards outlive a pool that is a value. Their number is known no more, but for the recorded ones.
        let others = diagnose::in_use_of_others(&stores);
        let pools: BTreeSet<_> = others.iter().map(|row| row.pool.clone()).collect();
        for pool in pools {
            let rows = InUseReport(others.iter().filter(|row| row.pool == pool).cloned().collect());
            tell(&pool, "at the end of the program, although it is dropped", recorded(&rows), &rows);
        }
    }
}

/// Reports the objects of a pool that is about to be dropped, if the program wants reports at its end.
pub(crate) fn report_at_drop(pool: &'static PoolHandle) {
    if HANDLES.load(Relaxed) > 0 && PROCESS.load(Relaxed) == process::current() {
        report_still_in_use(pool, "when it is dropped");
    }
}

/// Reports the objects of a pool that are in use, and where they were acquired.
fn report_still_in_use(pool: &'static PoolHandle, when: &str) {
    let rows = diagnose::in_use_of(&pool.0);
    let objects = pool.settled_stats().unwrap_or_else(|| pool.stats()).in_use;
    if objects > 0 || !rows.is_empty() {
        tell(pool.name(), when, objects, &rows);
    }
}

/// Tells the subscriber, or standard error.
fn tell(pool: &str, when: &str, objects: usize, rows: &InUseReport) {
    #[cfg(feature = "tracing")]
    if events::wants_still_in_use() {
        events::still_in_use(pool, when, objects);
        for row in rows {
            events::still_in_use_from(pool, &row.place, row.recorded, row.oldest, row.backtrace.as_deref());
        }
        return;
    }
    report(&words(pool, when, objects, rows));
}

fn recorded(rows: &InUseReport) -> usize {
    rows.iter().map(|row| row.recorded).sum()
}

/// The report of a pool, in lines.
fn words(pool: &str, when: &str, objects: usize, rows: &InUseReport) -> String {
    let recorded = recorded(rows);
    let (objects_are, pool) = (if objects == 1 { "object is" } else { "objects are" }, escaped(pool));
    let mut words = format!(
        "pool-runtime: {objects} {objects_are} in use in the pool `{pool}` {when}, {recorded} of them recorded: forgotten, or held by a static \
         or by a thread that runs\n"
    );
    if !rows.is_empty() {
        let _ = writeln!(words, "{rows:#}");
    }
    words
}

const NUMBERS: usize = 5;

/// The columns of numbers, between the pool's and the place's.
const HEAD: [&str; NUMBERS] = ["recorded", "estimated", "overdue", "youngest", "oldest"];

impl fmt::Display for InUseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> =
            self.iter().map(|row| (escaped(&row.pool), numbers(row), escaped(&row.place.to_string()))).collect();

        let widest = |number: usize| lines.iter().map(|line| line.1[number].width()).max().unwrap_or(0);
        let widths: [usize; NUMBERS] = core::array::from_fn(|number| widest(number).max(HEAD[number].len()));
        let taken: usize = widths.iter().map(|width| GAP.len() + width).sum::<usize>() + GAP.len();
        let rest = f.width().unwrap_or(WIDTH).saturating_sub(taken).max(2 * LEAST_NAME);
        let names = lines.iter().map(|line| line.0.width()).max().unwrap_or(0).max("pool".len());
        let places = lines.iter().map(|line| line.2.width()).max().unwrap_or(0).max("place".len());
        // If both do not fit, the shorter has what it needs, up to half.
        let names = names.min((rest / 2).max(rest.saturating_sub(places)));
        let places = rest - names;

        write_line(f, "pool", names, HEAD, widths, "place")?;
        for ((pool, numbers, place), row) in lines.iter().zip(self) {
            writeln!(f)?;
            let numbers = numbers.each_ref().map(String::as_str);
            write_line(f, &end_of(pool, names), names, numbers, widths, &end_of(place, places))?;
            if let Some(backtrace) = row.backtrace.as_ref().filter(|_| f.alternate()) {
                backtrace.lines().try_for_each(|line| write!(f, "\n    {}", escaped(line)))?;
            }
        }
        Ok(())
    }
}

fn write_line(
    f: &mut fmt::Formatter<'_>,
    pool: &str,
    names: usize,
    numbers: [&str; NUMBERS],
    widths: [usize; NUMBERS],
    place: &str,
) -> fmt::Result {
    // The formatter's own padding counts characters.
    write!(f, "{pool}{:space$}", "", space = names.saturating_sub(pool.width()))?;
    for (number, width) in numbers.iter().zip(widths) {
        write!(f, "{GAP}{:space$}{number}", "", space = width.saturating_sub(number.width()))?;
    }
    write!(f, "{GAP}{place}")
}

fn numbers(row: &InUse) -> [String; NUMBERS] {
    let [recorded, estimated, overdue] = [row.recorded, row.estimated, row.overdue].map(|number| short(number as u64));
    [recorded, estimated, overdue, time(row.youngest), time(row.oldest)]
}

/// A duration in seven columns at the most, rounded down.
fn time(time: Duration) -> String {
    match time.as_secs() {
        0 => match time.as_micros() {
            micros @ 0..1000 => format!("{micros} µs"),
            micros => format!("{} ms", micros / 1000),
        },
        seconds @ 1..60 => format!("{seconds}.{} s", time.subsec_millis() / 100),
        seconds @ 60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        seconds @ 3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
        seconds => {
            let days = seconds / 86_400;
            if days < 1000 { format!("{days}d {:02}h", seconds / 3600 % 24) } else { format!("{}d", days.min(999_999)) }
        }
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;
    use crate::diagnose::Place;

    fn row(pool: &str, file: &str) -> InUse {
        let place = || {
            let mut place = Place::default();
            (place.file, place.line, place.column) = (file.to_owned().into(), 7, 9);
            place
        };
        InUse { pool: pool.to_owned().into(), place: place(), ..InUse::default() }
    }

    #[test]
    fn a_time_has_seven_columns_at_the_most() {
        for (seconds, expected) in [
            (0.0, "0 µs"),
            (0.000_999_9, "999 µs"),
            (0.999_9, "999 ms"),
            (1.0, "1.0 s"),
            (59.99, "59.9 s"),
            (60.0, "1m 00s"),
            (3599.0, "59m 59s"),
            (86_399.0, "23h 59m"),
            (86_400.0, "1d 00h"),
            (86_400.0 * 999.99, "999d 23h"),
            (86_400.0 * 1000.0, "1000d"),
        ] {
            assert_eq!(time(Duration::from_secs_f64(seconds)), expected);
        }
        assert_eq!(time(Duration::MAX), "999999d");
    }

    #[test]
    fn the_table_fits_its_width_whatever_is_in_it() {
        let mut all = row(&"a::long::path::".repeat(20), &"a/long/path/".repeat(20));
        (all.recorded, all.estimated, all.overdue) = (usize::MAX, usize::MAX, usize::MAX);
        (all.youngest, all.oldest) = (Duration::MAX, Duration::MAX);
        let report = InUseReport(vec![all, row("缓冲区", "short.rs"), row("red\x1b[31m\n", "bell\x07.rs")]);
        for width in [80, 100, 200] {
            let table = format!("{report:width$}");
            assert_eq!(table.lines().count(), 4, "{table}");
            assert!(table.lines().all(|line| line.width() <= width), "{table}");
            let ends: Vec<usize> =
                table.lines().filter_map(|line| line.find(" short.rs").map(|end| line[..end].width())).collect();
            let head = table.lines().next().and_then(|line| line.find(" place").map(|end| line[..end].width()));
            assert_eq!(ends.first().copied(), head, "{table}");
            assert!(!table.contains('\x1b') && !table.contains('\x07'), "{table}");
        }
    }
}
