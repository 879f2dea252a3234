//! Operations on pools while they are stopped. The invariants are those of `registry`.

use core::sync::atomic::Ordering::Acquire;

use crate::machine::cpus::recount;
use crate::machine::decision;
use crate::registry::telling::Telling;
use crate::registry::work::Work;
use crate::slots::object::Object;
use crate::stats::Stats;
use crate::storage::drops::{Pending, Swept, drop_all};
use crate::storage::live::Registration;
use crate::storage::store::{POOLS, Store};
use crate::storage::sweep::ATTEMPTS;
use crate::storage::sweeping::lock;
use crate::sync::fence;

/// [`collect`](crate::collect). Returns the account of the drops.
pub(crate) fn collect_all() -> Swept {
    sweep(Work::Collect, || POOLS.listed(), Store::take_all)
}

/// [`age`](crate::age). Returns the account of the drops.
pub(crate) fn age_all() -> Swept {
    recount();
    sweep(Work::Age, || POOLS.listed(), Store::take_aged)
}

/// Drops victims until the weight of the pools at the last step is no more than `budget`: of each pool the same share, and in it first the objects
/// that were released first.
pub(crate) fn shrink_to(budget: usize) -> Swept {
    let mut telling = Telling::begin(Work::Budget);
    let mut swept = Swept::default();
    loop {
        let taken: Vec<Pending> = {
            let _one_at_a_time = lock();
            let stores = POOLS.listed();
            telling.note_pools(&stores);
            let sum = stores.iter().fold(0_usize, |sum, store| sum.saturating_add(store.reckon()));
            if sum <= budget {
                break;
            }
            stores.iter().filter_map(|store| Pending::new(store, store.take_share(budget, sum))).collect()
        };
        if taken.is_empty() {
            break;
        }
        for mut pending in taken {
            let (objects, bytes) = (swept.objects, swept.bytes);
            pending.drop_objects(&mut swept);
            pending.registration.store.scales.lighten(swept.bytes - bytes, swept.objects - objects);
            pending.end(&mut swept);
        }
    }
    telling.end(swept)
}

/// [`sweep`] of a single pool, unless it is the storage of a pool that is dropped.
pub(super) fn sweep_one(
    work: Work,
    store: &'static Store,
    take: impl Fn(&'static Store, bool) -> Vec<Object>,
) -> Swept {
    // Asked under the lock.
    sweep(work, || if store.is_closed() { Vec::new() } else { vec![store] }, take)
}

/// Stops the pools, takes objects out of each, lets the pools run again, drops the objects, and weighs those that an ageing step has left.
pub(crate) fn sweep(
    work: Work,
    stores: impl FnOnce() -> Vec<&'static Store>,
    take: impl Fn(&'static Store, bool) -> Vec<Object>,
) -> Swept {
    let mut telling = Telling::begin(work);
    let mut taken = Vec::new();
    {
        let _one_at_a_time = lock();
        let mut stopped = stores();
        telling.note_pools(&stopped);
        stopped.retain(|store| store.tables.stop());
        // A single fence, however many pools there are.
        let fenced = !stopped.is_empty() && decision::fence(); // mutant: late-fence
        if !fenced {
            stopped.iter().for_each(|store| store.unfenced.add(1));
        }
        if cfg!(pool_inject) && fenced {
            stopped.iter().for_each(|store| store.assert_still());
        }
        // mutant: early-restart
        taken.extend(stopped.iter().filter_map(|store| Pending::new(store, take(store, fenced))));
        stopped.iter().for_each(|store| restart(store)); // mutant: late-fence
        telling.note_bounds();
    }
    telling.end(drop_all(taken))
}

/// Lets a pool run again after a sweep, unless it has left.
pub(super) fn restart(store: &'static Store) {
    if !store.registration().is_some_and(Registration::has_left) {
        store.tables.restart();
    }
}

/// Statistics of one pool at one moment, for which the pool is stopped.
pub(super) fn settled_stats(store: &'static Store) -> Option<Stats> {
    let _one_at_a_time = lock();
    if store.is_closed() {
        return Some(store.stats());
    }
    for _ in 0..ATTEMPTS {
        let before = store.counted();
        // Acquire: the counters are read before and after the pool is asked whether it was started.
        fence(Acquire);
        if store.tables.stop() {
            let settled = store.settled(decision::fence());
            restart(store);
            return settled;
        }
        // It was not used yet, or pooling is off: nothing is idle.
        let mut after = store.counted();
        if after.came_and_went() == before.came_and_went() {
            after.balance();
            return Some(after);
        }
    }
    None
}
