//! The statistics of many pools: cheap to read, and a table to look at.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::Instant;

use pool_runtime::{Pool, Pooled, registry};
use tests::cpu;

const POOLS: usize = 1000;

thread_local! {
    /// Which of the pools this thread uses.
    static POOL: Cell<usize> = const { Cell::new(0) };
}

/// A type with many pools, in place of as many types.
struct Page;

impl Pooled for Page {
    fn pool() -> &'static Pool<Self> {
        static MANY: OnceLock<Vec<Pool<Page>>> = OnceLock::new();
        let many = MANY.get_or_init(|| {
            let name = |number| -> &'static str { String::leak(format!("pool {number}")) };
            (0..POOLS).map(|number| Pool::new(name(number))).collect()
        });
        &many[POOL.get()]
    }

    fn create_object() -> Self {
        Self
    }

    fn reset_object(_page: &mut Self) {}
}

/// Each pool is used on each CPU, and holds two objects there. One after the other, as a program would poll it.
#[test]
fn the_statistics_of_a_thousand_pools_take_less_than_a_millisecond() {
    let cpus = cpu::allowed();
    for &cpu in &cpus {
        cpu::pin_to(cpu);
        for number in 0..POOLS {
            POOL.set(number);
            drop((Page::acquire(), Page::acquire()));
        }
    }
    let rows = registry::stats();
    assert_eq!(rows.len(), POOLS);
    assert!(rows.iter().all(|row| (2..=2 * cpus.len()).contains(&row.idle) && row.created == row.idle as u64));

    // The fastest of many: other programs of the machine are not measured.
    let times = (0..200).map(|_| {
        let start = Instant::now();
        let rows = registry::stats();
        let time = start.elapsed();
        assert_eq!(rows.len(), POOLS);
        time
    });
    let time = times.min().expect("some were measured");
    println!("statistics of {POOLS} pools on {} CPUs: {time:?}", cpus.len());
    // Without optimisation it is a few times as slow, of which nothing is promised.
    let limit = if cfg!(debug_assertions) { 20_000 } else { 1_000 };
    assert!(time.as_micros() < limit, "{time:?}");
}
