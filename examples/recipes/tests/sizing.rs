//! What statistics say of `max_idle` and `local`. Prints the numbers of the page:
//! `cargo test --release -p recipes --test sizing -- --nocapture --test-threads 1`.

use std::hint::black_box;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use pool_runtime::stats::Stats;
use pool_runtime::{Guard, Pooled};

/// 4 KiB.
#[derive(Pooled)]
#[pooled(new = || Page { bytes: Vec::with_capacity(4096) })]
struct Page {
    bytes: Vec<u8>,
}

/// The load of a server: 100 waves of requests, each of which has 300 pages in use at once.
fn waves() -> Stats {
    let before = Page::pool().stats();
    for _ in 0..100 {
        let mut pages: Vec<Guard<Page>> = (0..300).map(|_| Page::acquire()).collect();
        pages.iter_mut().for_each(|page| page.bytes.push(1));
    }
    let mut stats = Page::pool().stats();
    stats.created -= before.created;
    stats.dropped.bound -= before.dropped.bound;
    stats
}

#[test]
fn a_bound_below_the_peak_makes_and_drops() {
    println!("max_idle, created in 30,000 acquires, dropped by the bound, KiB idle after it");
    let mut made = Vec::new();
    for max_idle in [64, 128, 256, 300, 512] {
        Page::pool().collect();
        Page::pool().set_max_idle(max_idle);
        waves(); // warm
        let stats = waves();
        println!("{max_idle:5} {:6} {:6} {:6}", stats.created, stats.dropped.bound, 4 * stats.idle);
        made.push(stats.created);
        assert!(stats.idle <= max_idle);
        // Steady: as many are made as are dropped.
        assert!(stats.created.abs_diff(stats.dropped.bound) <= 128, "{stats:?}");
    }
    // Each wave makes what the bound has dropped of the one before. A local stack of a former concurrency id has a part of the bound.
    for (max_idle, made) in [64, 128, 256].into_iter().zip(&made) {
        let missing = 100 * (300 - max_idle);
        assert!((missing..=missing + 6400).contains(made), "{made} made with {max_idle}");
    }
    assert!(made[4] < 300, "{made:?}");
}

const PAIRS: usize = 10_000;

/// Refills, flushes and ns a pair, in `PAIRS` acquires and releases with so many objects out at once.
fn held<T: Pooled>(number: usize) -> (u64, u64, f64) {
    let mut guards = Vec::with_capacity(number);
    let before = T::pool().stats();
    let start = Instant::now();
    for _ in 0..PAIRS / number {
        guards.extend((0..number).map(|_| black_box(T::acquire())));
        guards.clear();
    }
    let time = start.elapsed().as_nanos() as f64 / PAIRS as f64;
    let after = T::pool().stats();
    (after.refills - before.refills, after.flushes - before.flushes, time)
}

macro_rules! small {
    ($($name:ident $local:literal)*) => {$(
        #[derive(Default, Pooled)]
        #[pooled(local = $local, max_idle = 16_384)]
        struct $name {
            number: u64,
        }
    )*};
}

small!(Local0 0 Local4 4 Local32 32 Local128 128 Local512 512);

/// Runs `held` with a type of each `local`.
type Held = fn(usize) -> (u64, u64, f64);

const LOCALS: [(usize, Held); 5] =
    [(0, held::<Local0>), (4, held::<Local4>), (32, held::<Local32>), (128, held::<Local128>), (512, held::<Local512>)];

#[test]
fn batches_move_if_more_are_held_than_a_local_stack_has() {
    let rounds = if cfg!(debug_assertions) { 5 } else { 500 };
    println!("held at once, local, refills and flushes in {PAIRS} pairs, ns a pair");
    for number in [4, 32, 100, 400] {
        let mut best = [(u64::MAX, u64::MAX, f64::MAX); LOCALS.len()];
        for _ in 0..rounds {
            for ((_, held), best) in LOCALS.iter().zip(&mut best) {
                // The least: a thread whose concurrency id changes begins with another stack.
                let (refills, flushes, time) = held(number);
                *best = (best.0.min(refills), best.1.min(flushes), best.2.min(time));
            }
        }
        for ((local, _), (refills, flushes, time)) in LOCALS.iter().zip(best) {
            println!("{number:5} {local:5} {refills:7} {flushes:7} {time:6.1}");
            if *local >= number {
                assert_eq!((refills, flushes), (0, 0), "{number} on a stack of {local}");
            } else if *local > 0 {
                assert!(refills > 0 && flushes > 0, "{number} on a stack of {local}");
            }
        }
    }
    assert_eq!(Local4::acquire().number, 0);
}

/// 1 MiB.
#[derive(Pooled)]
#[pooled(new = || Block { bytes: vec![0; 1 << 20] })]
struct Block {
    #[pooled(keep)]
    bytes: Vec<u8>,
}

/// 1 MiB, within bounds.
#[derive(Pooled)]
#[pooled(new = || Bounded { bytes: vec![0; 1 << 20] }, max_idle = 8, local = 0)]
struct Bounded {
    #[pooled(keep)]
    bytes: Vec<u8>,
}

#[test]
fn the_default_bound_keeps_64_for_each_cpu() {
    drop((0..200).map(|_| Block::acquire()).collect::<Vec<_>>());
    drop((0..200).map(|_| Bounded::acquire()).collect::<Vec<_>>());
    let (default, bounded) = (Block::pool().stats(), Bounded::pool().stats());
    println!("MiB idle after 200 were in use: {} by default, {} with max_idle = 8", default.idle, bounded.idle);
    assert_eq!(default.idle, default.max_idle.min(200));
    assert_eq!(default.max_idle % 64, 0);
    assert_eq!(bounded.idle, 8);
    assert_eq!(Block::acquire().bytes.len(), Bounded::acquire().bytes.len());
}

/// A thread acquires ten at a time, and another releases them.
fn hand_over<T: Pooled>() -> Stats {
    let (send, receive) = mpsc::sync_channel::<Vec<Guard<T>>>(0);
    let (back, is_back) = mpsc::sync_channel(0);
    let other = thread::spawn(move || {
        for guards in receive {
            drop(guards);
            back.send(()).unwrap();
        }
    });
    for _ in 0..1000 {
        send.send((0..10).map(|_| T::acquire()).collect()).unwrap();
        is_back.recv().unwrap();
    }
    drop(send);
    other.join().unwrap();
    T::pool().settled_stats().expect("no fork")
}

macro_rules! passed {
    ($($name:ident $local:literal)*) => {$(
        #[derive(Default, Pooled)]
        #[pooled(local = $local)]
        struct $name {
            number: u64,
        }
    )*};
}

passed!(Passed0 0 Passed4 4 Passed32 32);

#[test]
fn a_local_stack_holds_objects_that_other_threads_do_not_reach() {
    for (local, stats) in [(0, hand_over::<Passed0>()), (4, hand_over::<Passed4>()), (32, hand_over::<Passed32>())] {
        println!("local = {local}: {} made for ten in use, {} steals", stats.created, stats.steals);
        assert!((10..=10 + 2 * local).contains(&stats.created), "{}", stats.created);
    }
    assert_eq!(Passed0::acquire().number + Passed4::acquire().number + Passed32::acquire().number, 0);
}
