//! Statistics for the `metrics` facade, under the names that Prometheus asks for: a unit in the plural, and `_total` behind
//! what only grows.

use std::collections::BTreeMap;

use ::metrics::{Label, Unit, counter, describe_counter, describe_gauge, gauge};

use crate::registry;
use crate::stats::Stats;

/// What is published of one pool: the name, what it is, and where it stands in [`Stats`].
type Series = (&'static str, &'static str, fn(&Stats) -> u64);

const GAUGES: [Series; 3] = [
    ("pool_idle_objects", "Objects in the pool, victims included.", |stats| stats.idle as u64),
    ("pool_victim_objects", "Objects in the pool that were idle at the last ageing step already.", |stats| {
        stats.victims as u64
    }),
    ("pool_in_use_objects", "Objects out in a guard.", |stats| stats.in_use as u64),
];

const COUNTERS: &[Series] = &[
    ("pool_created_objects_total", "Objects made by new.", |stats| stats.created),
    ("pool_adopted_objects_total", "Objects that came in through adopt.", |stats| stats.adopted),
    ("pool_detached_objects_total", "Objects that left through into_inner, into_box and leak.", |stats| stats.detached),
    ("pool_refills_total", "Batches moved from a shared list into a private stack.", |stats| stats.refills),
    ("pool_flushes_total", "Batches moved from a private stack to a shared list.", |stats| stats.flushes),
    ("pool_steals_total", "Visits to another slot's shared list that took something.", |stats| stats.steals),
    #[cfg(feature = "hits")]
    ("pool_acquires_total", "Calls of acquire and try_acquire.", |stats| stats.acquires),
    #[cfg(feature = "hits")]
    ("pool_hits_total", "Acquires that got an idle object.", |stats| stats.hits),
];

const DROPPED: (&str, &str) = ("pool_dropped_objects_total", "Objects dropped, by reason.");

/// Tells the recorder of the [`metrics`](https://docs.rs/metrics) crate what every pool holds and has done. Feature `metrics`.
///
/// To be called before the recorder is read, or at an interval; a [`Collector`](crate::Collector) calls it after each of its steps.
/// Costs what [`registry::stats`] does, and a few calls of the recorder for each pool.
///
/// The label `pool` is the pool's name. Pools of one name are published as one, with the sum of their numbers.
///
/// | gauge | |
/// |---|---|
/// | `pool_idle_objects` | in the pool, victims included |
/// | `pool_victim_objects` | in the pool, and idle at the last ageing step already |
/// | `pool_in_use_objects` | out in a guard |
///
/// | counter | |
/// |---|---|
/// | `pool_created_objects_total`, `pool_adopted_objects_total`, `pool_detached_objects_total` | came and left |
/// | `pool_dropped_objects_total` | dropped; the label `reason` is a field of [`Dropped`](crate::stats::Dropped) |
/// | `pool_refills_total`, `pool_flushes_total`, `pool_steals_total` | moves within the pool |
/// | `pool_acquires_total`, `pool_hits_total` | with the feature `hits` |
///
/// # Examples
///
/// ```
/// // Where no recorder is installed, nothing happens.
/// pool_runtime::publish_metrics();
/// ```
pub fn publish_metrics() {
    // Each time, since the recorder may be a new one.
    for (name, what, _) in GAUGES {
        describe_gauge!(name, Unit::Count, what);
    }
    for &(name, what, _) in COUNTERS {
        describe_counter!(name, Unit::Count, what);
    }
    describe_counter!(DROPPED.0, Unit::Count, DROPPED.1);

    let mut pools: BTreeMap<std::borrow::Cow<'static, str>, Vec<Stats>> = BTreeMap::new();
    for stats in registry::stats() {
        pools.entry(stats.name.clone()).or_default().push(stats);
    }
    for (pool, rows) in pools {
        let sum = |of: fn(&Stats) -> u64| rows.iter().map(of).sum::<u64>();
        for (name, _, of) in GAUGES {
            gauge!(name, "pool" => pool.clone()).set(sum(of) as f64);
        }
        for &(name, _, of) in COUNTERS {
            counter!(name, "pool" => pool.clone()).absolute(sum(of));
        }
        let mut dropped: BTreeMap<&str, u64> = BTreeMap::new();
        for (reason, objects) in rows.iter().flat_map(|stats| stats.dropped.by_reason()) {
            *dropped.entry(reason).or_default() += objects;
        }
        for (reason, objects) in dropped {
            let labels = vec![Label::new("pool", pool.clone()), Label::from_static_parts("reason", reason)];
            counter!(DROPPED.0, labels).absolute(objects);
        }
    }
}
