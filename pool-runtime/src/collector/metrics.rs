//! Statistics for the `metrics` facade, under the names that Prometheus asks for: a unit in the plural, and `_total` at the end for numbers that only
//! grow.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use ::metrics::{Label, Unit, counter, describe_counter, describe_gauge, gauge};

use crate::collector::allocator::trims;
use crate::collector::step::counts;
use crate::registry;
use crate::stats::Stats;

/// A number that is published of a pool: its name behind the prefix, its description, and its place in [`Stats`].
type Series = (&'static str, &'static str, fn(&Stats) -> u64);

const GAUGES: [Series; 5] = [
    ("idle_objects", "Objects in the pool, victims included.", |stats| stats.idle as u64),
    ("victim_objects", "Objects in the pool that were idle at the last ageing step already.", |stats| {
        stats.victims as u64
    }),
    ("in_use_objects", "Objects out in a guard.", |stats| stats.in_use as u64),
    ("max_idle_objects", "Objects that the pool may keep.", |stats| stats.max_idle as u64),
    ("idle_bytes", "What the idle objects took up when they were last weighed.", |stats| {
        stats.idle_bytes.unwrap_or_default() as u64
    }),
];

const COUNTERS: &[Series] = &[
    ("created_objects_total", "Objects made by new.", |stats| stats.created),
    ("adopted_objects_total", "Objects that came in through adopt.", |stats| stats.adopted),
    ("detached_objects_total", "Objects that left through into_inner, into_box and leak.", |stats| stats.detached),
    ("refills_total", "Batches moved from a shared list into a local stack.", |stats| stats.refills),
    ("flushes_total", "Batches moved from a local stack to a shared list.", |stats| stats.flushes),
    ("steals_total", "Visits to another slot's shared list that took something.", |stats| stats.steals),
    ("unfenced_sweeps_total", "Sweeps that left the local stacks alone.", |stats| stats.unfenced),
    #[cfg(feature = "hits")]
    ("acquires_total", "Calls of acquire and try_acquire.", |stats| stats.acquires),
    #[cfg(feature = "hits")]
    ("hits_total", "Acquires that got an idle object.", |stats| stats.hits),
];

const DROPPED: (&str, &str) = ("dropped_objects_total", "Objects dropped, by reason.");
const STEPS: (&str, &str) = ("collector_steps_total", "Steps that a collector has taken, by what it took them for.");
const TRIMS: (&str, &str) = ("collector_trims_total", "How often glibc was asked to give memory back.");
const LOST: (&str, &str) = ("collector_lost_sources_total", "Sources of memory pressure that a collector has lost.");

/// Two versions of this crate in one program have the same recorder, and pools and collectors of their own.
const VERSION: Label = Label::from_static_parts("version", env!("CARGO_PKG_VERSION"));

/// The gauges that were not zero once, with their pools: they are published when they are zero, too.
static TOLD: Mutex<BTreeSet<(&'static str, Cow<'static, str>)>> = Mutex::new(BTreeSet::new());

/// Tells the recorder of the [`metrics`](https://docs.rs/metrics) crate the statistics of every pool. Feature `metrics`.
///
/// The program calls it before the recorder is read, or at an interval. A [`Collector`](crate::Collector) calls it when it starts, before each of its
/// steps, and when it stops. After an ageing step every idle object is a victim, so the number of victims says something before the step only. Costs
/// as much as [`registry::stats`], and a few calls of the recorder for each pool.
///
/// The label `pool` is the pool's name. Pools of one name are published as one, with the sum of their numbers. The label `version` is that of this
/// crate, so that two versions in one program do not overwrite each other's series. A series is published from its first number other than zero on.
/// The gauges of a pool whose library has been unloaded are zero.
///
/// | gauge | |
/// |---|---|
/// | `pool_idle_objects` | in the pool, victims included |
/// | `pool_victim_objects` | in the pool, and idle at the last ageing step already |
/// | `pool_in_use_objects` | out in a guard |
/// | `pool_max_idle_objects` | that the pool may keep |
/// | `pool_idle_bytes` | bytes that the idle objects took up when they were last weighed; of a pool whose type tells its weight |
///
/// | counter | |
/// |---|---|
/// | `pool_created_objects_total`, `pool_adopted_objects_total`, `pool_detached_objects_total` | came and left |
/// | `pool_dropped_objects_total` | dropped; the label `reason` is a field of [`Dropped`](crate::stats::Dropped) |
/// | `pool_refills_total`, `pool_flushes_total`, `pool_steals_total` | moves within the pool |
/// | `pool_unfenced_sweeps_total` | [`Stats::unfenced`](crate::stats::Stats::unfenced) |
/// | `pool_acquires_total`, `pool_hits_total` | with the feature `hits` |
/// | `pool_collector_steps_total` | of this process's collectors; the label `level` is `interval`, `low`, `medium` or `critical` |
/// | `pool_collector_trims_total` | how often glibc was asked to give memory back |
/// | `pool_collector_lost_sources_total` | of memory pressure |
///
/// # Examples
///
/// ```
/// // Without a recorder this does nothing.
/// pool_runtime::publish_metrics();
/// ```
pub fn publish_metrics() {
    publish_metrics_as(DEFAULT_PREFIX);
}

/// The beginning of the names of all series by default.
pub(super) const DEFAULT_PREFIX: &str = "pool";

/// [`publish_metrics`], with names that begin with `prefix` in place of `pool`: `db_idle_objects` for `db`. Feature `metrics`.
///
/// For a collector, [`metrics_prefix`](crate::collector::Builder::metrics_prefix) sets the prefix.
///
/// # Examples
///
/// ```
/// pool_runtime::publish_metrics_as("db_pool");
/// ```
pub fn publish_metrics_as(prefix: &str) {
    let name = |series: &str| format!("{prefix}_{series}");
    let tell = |(series, what): (&str, &'static str), mut labels: Vec<Label>, number: u64| {
        if number > 0 {
            // Each time, since the recorder may be a new one.
            describe_counter!(name(series), Unit::Count, what);
            labels.push(VERSION);
            counter!(name(series), labels).absolute(number);
        }
    };

    let mut pools: BTreeMap<Cow<'static, str>, Vec<Stats>> = BTreeMap::new();
    for stats in registry::stats() {
        pools.entry(stats.name.clone()).or_default().push(stats);
    }
    let sum = |rows: &[Stats], of: fn(&Stats) -> u64| rows.iter().map(of).sum::<u64>();
    let mut gauges = BTreeMap::new();
    for (pool, rows) in &pools {
        for (series, what, of) in GAUGES {
            gauges.insert((series, pool.clone()), (what, sum(rows, of)));
        }
    }
    for ((series, pool), (what, number)) in worth_telling(gauges) {
        let unit = if series.ends_with("_bytes") { Unit::Bytes } else { Unit::Count };
        describe_gauge!(name(series), unit, what);
        gauge!(name(series), vec![Label::new("pool", pool), VERSION]).set(number as f64);
    }
    for (pool, rows) in &pools {
        let label = || Label::new("pool", pool.clone());
        for &(series, what, of) in COUNTERS {
            tell((series, what), vec![label()], sum(rows, of));
        }
        let mut dropped: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (reason, objects) in rows.iter().flat_map(|stats| stats.dropped.by_reason()) {
            *dropped.entry(reason).or_default() += objects;
        }
        for (reason, objects) in dropped {
            tell(DROPPED, vec![label(), Label::from_static_parts("reason", reason)], objects);
        }
    }
    let collectors = counts();
    for (level, steps) in collectors.by_level() {
        tell(STEPS, vec![Label::from_static_parts("level", level)], steps);
    }
    tell(TRIMS, Vec::new(), trims().calls);
    tell(LOST, Vec::new(), collectors.lost_sources);
}

type Gauges = BTreeMap<(&'static str, Cow<'static, str>), (&'static str, u64)>;

/// The gauges that are not zero or once were not; those of pools that are gone are zero.
fn worth_telling(mut gauges: Gauges) -> Gauges {
    gauges.retain(|_, (_, number)| *number > 0);
    // A thread that finds it locked leaves the zeroes to the holder of the lock, which may not exist in a forked child.
    let Ok(mut told) = TOLD.try_lock() else { return gauges };
    for key in &*told {
        let what = GAUGES.iter().find(|gauge| gauge.0 == key.0).map_or("", |gauge| gauge.1);
        gauges.entry(key.clone()).or_insert((what, 0));
    }
    told.extend(gauges.keys().cloned());
    gauges
}
