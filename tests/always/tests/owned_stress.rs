//! Pools that are values come and go while threads acquire, release, hand guards on, age and collect: no object is lost, none is in two places,
//! and each storage is given up once, with its hooks.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use pool_runtime::{Collector, HeapBytes, OwnedGuard, OwnedPool, Reset, owned};
use tests::counted::{Counted, Tally};
use tests::random::Random;
use tests::watchdog::within_a_minute;

#[derive(Reset)]
struct Page {
    /// The user that has the object, or zero.
    user: u64,
    #[pooled(keep)]
    counted: Counted,
}

impl HeapBytes for Page {
    fn heap_bytes(&self) -> usize {
        self.counted.assert_alive();
        thread::yield_now();
        0
    }
}

/// The reset of the pages, and a part that is counted.
struct Hooks(#[allow(dead_code, reason = "it is there to be dropped")] Hook);

impl owned::Hooks<Page> for Hooks {
    fn reset(&self, page: &mut Page) {
        page.reset();
    }
}

type Pages = OwnedPool<Page, Hooks>;
type Held = OwnedGuard<Page, Hooks>;

static TALLY: Tally = Tally::new();

/// The hooks that were made and not dropped.
static HOOKS: Mutex<usize> = Mutex::new(0);

/// Is part of a hook.
struct Hook;

impl Hook {
    fn new() -> Self {
        *HOOKS.lock().unwrap() += 1;
        Self
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        *HOOKS.lock().unwrap() -= 1;
    }
}

fn pool(random: &mut Random) -> Pages {
    let page: Box<dyn Fn() -> Page + Send + Sync> = Box::new(|| Page { user: 0, counted: TALLY.make() });
    // Several kinds, with and without local stacks, and bounds of all sizes.
    let builder = OwnedPool::builder(page).hooks(Hooks(Hook::new())).local(random.below(2) * 8);
    let builder = builder.max_idle([0, 3, 100, 1000][random.below(4)]);
    // An ageing step weighs the objects of some after it, under no lock: their pool may be dropped meanwhile.
    if random.below(2) == 0 { builder.weigh().build() } else { builder.build() }
}

/// A thread's turns: with the pool of the moment, which it drops now and then, and with guards of pools that are there or not.
fn work(seed: u64, current: &Mutex<Arc<Pages>>, passed: &Mutex<Vec<Held>>, stop: &AtomicBool) {
    let mut random = Random::new(seed);
    let mut held: Vec<Held> = Vec::new();
    let mut pools: Vec<Arc<Pages>> = Vec::new();
    while !stop.load(Relaxed) {
        let pool = pools.last().cloned().unwrap_or_else(|| Arc::clone(&current.lock().unwrap()));
        match random.below(100) {
            // A new pool: the one of before is dropped when the last thread has done with it.
            0..2 => *current.lock().unwrap() = Arc::new(self::pool(&mut random)),
            2..6 => pools.push(Arc::clone(&pool)),
            6..11 => pools.clear(),
            11..13 => pool.collect(),
            13..15 => pool.age(),
            15 => pool_runtime::collect(),
            16 => pool_runtime::age(),
            17 => pool.set_max_idle(random.below(50)),
            18..20 => drop(pool.settled_stats()),
            20..22 => drop(pool_runtime::registry::stats()),
            22..26 => passed.lock().unwrap().append(&mut held),
            26..32 => held.extend(passed.lock().unwrap().pop()),
            32..34 => held.drain(..).for_each(OwnedGuard::discard),
            34..36 => held.drain(..).for_each(|guard| OwnedGuard::into_inner(guard).counted.assert_alive()),
            36..50 => drop(held.pop()),
            _ => {
                for _ in 0..random.below(40) {
                    let mut page = pool.acquire();
                    page.counted.assert_alive();
                    assert_eq!(page.user, 0, "it has not been reset, or has another user");
                    page.user = seed;
                    held.push(page);
                }
                held.iter().for_each(|page| assert_eq!(page.user, page.user.max(1)));
                held.truncate(random.below(40));
            }
        }
    }
}

#[test]
fn pools_come_and_go_under_their_users() {
    let time = Duration::from_secs(if cfg!(debug_assertions) { 1 } else { 4 });
    within_a_minute("the stress", move || {
        let current = Mutex::new(Arc::new(pool(&mut Random::new(0))));
        // It ages and weighs, and drops what is above a budget.
        let collector = Collector::builder().interval(Duration::from_millis(5)).max_bytes(100);
        let _collector = collector.start().expect("no other is running");
        let (passed, stop) = (Mutex::default(), AtomicBool::new(false));
        thread::scope(|scope| {
            for seed in 1..=4 {
                let (current, passed, stop) = (&current, &passed, &stop);
                scope.spawn(move || work(seed, current, passed, stop));
            }
            thread::sleep(time);
            stop.store(true, Relaxed);
        });
    });
    assert_eq!(TALLY.alive(), 0, "objects of {}", TALLY.made());
    assert_eq!(*HOOKS.lock().unwrap(), 0, "hooks");
}
