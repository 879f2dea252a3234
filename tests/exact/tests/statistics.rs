//! Each counter and each gauge, to the object.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::thread;
use std::time::{Duration, Instant};

use pool_runtime::stats::{Dropped, Stats};
use pool_runtime::{Guard, Pooled};
use tests::counted;
use tests::cpu;
use tests::guards::hold;

/// The statistics of `T`, without what is the pool's own affair.
fn stats<T: Pooled>() -> Stats {
    let mut stats = T::pool().stats();
    assert_eq!((stats.name.as_ref(), stats.idle), (T::pool().name(), T::pool().idle()));
    assert_eq!(stats.max_idle, T::pool().max_idle());
    assert_eq!(T::pool().settled_stats().as_ref(), Some(&stats), "while no other thread uses the pool");
    (stats.name, stats.max_idle, stats.refills, stats.flushes, stats.steals) = ("".into(), 0, 0, 0, 0);
    stats
}

/// Statistics, changed from zero.
fn expected(change: impl FnOnce(&mut Stats)) -> Stats {
    let mut stats = Stats::default();
    change(&mut stats);
    stats
}

#[test]
fn a_pool_that_was_never_used_has_zeroes() {
    #[derive(Default, Pooled)]
    #[pooled(name = "never used")]
    struct Page(u8);

    let expected = expected(|stats| {
        (stats.name, stats.max_idle) = ("never used".into(), Page::pool().max_idle());
    });
    assert_eq!(Page::pool().stats(), expected);
    assert_eq!(Page::pool().settled_stats(), Some(expected));
}

#[test]
fn every_counter_is_exact() {
    static RETAIN: AtomicU32 = AtomicU32::new(0);
    counted!(Page, TALLY, retain = Page::retain, max_idle = 50);
    impl Page {
        fn retain(&self) -> bool {
            match RETAIN.load(Relaxed) {
                0 => true,
                1 => false,
                _ => resume_unwind(Box::new(())),
            }
        }
    }

    cpu::pin();
    let mut model = Stats::default();
    let check = |model: &Stats, out: usize| {
        assert_eq!(stats::<Page>(), *model);
        TALLY.check(&Page::pool().stats(), model.in_use, out);
    };
    check(&model, 0);

    // created, in_use
    let mut held = hold::<Page>(10);
    (model.created, model.in_use) = (10, 10);
    check(&model, 0);

    // idle
    drop(held.split_off(4));
    (model.in_use, model.idle) = (4, 6);
    check(&model, 0);

    // Hits count nothing.
    for _ in 0..100 {
        drop(hold::<Page>(3));
    }
    check(&model, 0);

    // adopted
    held.push(Page::adopt(Page(TALLY.make())));
    (model.adopted, model.in_use) = (1, 5);
    check(&model, 0);

    // detached
    let taken = Guard::into_inner(held.remove(0));
    (model.detached, model.in_use) = (1, 4);
    check(&model, 1);
    drop(taken);
    check(&model, 0);
    drop(Guard::into_box(held.remove(0)));
    (model.detached, model.in_use) = (2, 3);
    check(&model, 0);
    let leaked: *mut Page = Guard::leak(held.remove(0));
    (model.detached, model.in_use) = (3, 2);
    check(&model, 1);
    // SAFETY: `leak` gave out what a box held, and nothing else owns it.
    drop(unsafe { Box::from_raw(leaked) });

    // dropped.discard
    Guard::discard(held.remove(0));
    (model.dropped.discard, model.in_use) = (1, 1);
    check(&model, 0);

    // dropped.retain
    RETAIN.store(1, Relaxed);
    drop(held.pop());
    (model.dropped.retain, model.in_use) = (1, 0);
    check(&model, 0);

    // dropped.panic: of `retain`, and while unwinding
    RETAIN.store(2, Relaxed);
    for page in hold::<Page>(2) {
        assert!(catch_unwind(AssertUnwindSafe(|| drop(page))).is_err());
    }
    RETAIN.store(0, Relaxed);
    (model.dropped.panic, model.idle) = (2, 4);
    check(&model, 0);
    let page = Page::acquire();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _page = page;
        resume_unwind(Box::new(()));
    }));
    assert!(unwound.is_err());
    (model.dropped.panic, model.idle) = (3, 3);
    check(&model, 0);

    // victims, dropped.age
    Page::pool().age();
    model.victims = 3;
    check(&model, 0);
    drop(hold::<Page>(1));
    model.victims = 2;
    check(&model, 0);
    Page::pool().age();
    (model.dropped.age, model.victims, model.idle) = (2, 1, 1);
    check(&model, 0);

    // dropped.collect
    Page::pool().collect();
    (model.dropped.collect, model.victims, model.idle) = (1, 0, 0);
    check(&model, 0);

    // created by `prefill`
    assert_eq!(Page::prefill(5), 5);
    (model.created, model.idle) = (15, 5);
    check(&model, 0);

    // dropped.bound; the rest of the counters holds that nothing else went anywhere
    drop(hold::<Page>(100));
    let idle = Page::pool().idle();
    assert!((25..=50).contains(&idle), "{idle}");
    (model.created, model.idle, model.dropped.bound) = (110, idle, 100 - idle as u64);
    check(&model, 0);

    // dropped.collect by a bound that was lowered
    Page::pool().set_max_idle(10);
    let idle = Page::pool().idle();
    assert!(idle <= 10, "{idle}");
    model.dropped.collect += (model.idle - idle) as u64;
    model.idle = idle;
    check(&model, 0);
    Page::pool().collect();
    model.dropped.collect += idle as u64;
    model.idle = 0;
    check(&model, 0);
    assert_eq!(TALLY.alive(), 0);
}

#[test]
fn an_acquire_that_finds_nothing_counts_nothing() {
    counted!(Page, TALLY, max_idle = 50);

    for _ in 0..100 {
        assert!(Page::try_acquire().is_none());
    }
    assert_eq!(stats::<Page>(), Stats::default());
    assert_eq!(TALLY.made(), 0);
}

/// One object back and forth never leaves the local stack, so no batch is moved.
#[test]
fn hits_move_no_batches() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000)]
    struct Page(u8);

    cpu::pin();
    drop(hold::<Page>(1));
    drop(hold::<Page>(1));
    let before = Page::pool().stats();
    for _ in 0..10_000 {
        drop(Page::acquire());
    }
    assert_eq!(Page::pool().stats(), before);
}

#[test]
fn batches_are_counted() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000, local = 8)]
    struct Page(u8);

    cpu::pin();
    drop(hold::<Page>(100));
    let released = Page::pool().stats();
    // 92 at least went to the shared list. A batch is at least one object, and not more than the local stack has.
    assert!((12..=92).contains(&released.flushes), "{released:?}");
    drop(hold::<Page>(100));
    let again = Page::pool().stats();
    assert!((12..=92).contains(&again.refills), "{again:?}");
    assert!(again.flushes > released.flushes, "{again:?}");
    assert_eq!((again.created, again.steals, again.idle), (100, 0, 100));
}

/// Fewer calls than objects: 100 objects go back and forth in batches, not one by one.
#[test]
fn batches_are_larger_than_one() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000, local = 32)]
    struct Page(u8);

    cpu::pin();
    for _ in 0..10 {
        drop(hold::<Page>(100));
    }
    let before = Page::pool().stats();
    for _ in 0..100 {
        drop(hold::<Page>(100));
    }
    let after = Page::pool().stats();
    let (refills, flushes) = (after.refills - before.refills, after.flushes - before.flushes);
    assert!(refills <= 100 * 100 / 8, "{refills} refills for 10,000 acquires");
    assert!(flushes <= 100 * 100 / 8, "{flushes} flushes for 10,000 releases");
    assert_eq!(after.created, 100);
}

/// Threads of other slots take what one has left: nothing is made, and it is counted.
#[test]
fn steals_are_counted() {
    counted!(Page, TALLY, max_idle = 1000, local = 0);

    let cpus = cpu::allowed();
    cpu::pin_to(cpus[0]);
    drop(hold::<Page>(100));
    assert_eq!(Page::pool().stats().steals, 0);
    // Threads that are alive at once have slots of their own, if there are slots enough; some share this thread's.
    let all = Barrier::new(16);
    thread::scope(|scope| {
        for thread in 0..16 {
            let (all, cpus) = (&all, &cpus);
            scope.spawn(move || {
                cpu::pin_to(cpus[thread % cpus.len()]);
                all.wait();
                let page = Page::acquire();
                all.wait();
                drop(page);
            });
        }
    });
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    if cpus.len() > 1 {
        assert!((1..=16).contains(&stats.steals), "{stats:?}");
    }
    assert_eq!((stats.refills, stats.flushes), (0, 0), "there are no local stacks: {stats:?}");
}

#[test]
fn total_is_the_sum_of_all_reasons() {
    let mut dropped = Dropped::default();
    assert_eq!(dropped.total(), 0);
    let reasons = [
        &mut dropped.bound,
        &mut dropped.busy,
        &mut dropped.retain,
        &mut dropped.panic,
        &mut dropped.discard,
        &mut dropped.collect,
        &mut dropped.age,
        &mut dropped.off,
    ];
    for (power, reason) in reasons.into_iter().enumerate() {
        *reason = 1 << power;
    }
    assert_eq!(dropped.total(), 0xff);
}

/// Counters are the pool's, whichever slots counted.
#[test]
fn counts_of_all_threads_add_up() {
    counted!(Page, TALLY, max_idle = 1000);

    const THREADS: u64 = 8;
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..100 {
                    Guard::discard(Page::acquire());
                    drop(Guard::into_inner(Page::acquire()));
                    drop(Guard::into_inner(Page::adopt(Page(TALLY.make()))));
                    let page = Page::acquire();
                    let _ = catch_unwind(AssertUnwindSafe(|| {
                        let _page = page;
                        resume_unwind(Box::new(()));
                    }));
                }
            });
        }
    });
    let each = 100 * THREADS;
    let expected = expected(|stats| {
        (stats.created, stats.adopted, stats.detached) = (3 * each, each, 2 * each);
        (stats.dropped.discard, stats.dropped.panic) = (each, each);
    });
    assert_eq!(stats::<Page>(), expected, "nothing was ever released");
    TALLY.check(&Page::pool().stats(), 0, 0);
}

/// The readings of `stats`, by a thread, while two others hold 160 objects between them, and move hundreds.
fn read_while_used<T: Pooled>(mut read: impl FnMut()) {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Relaxed) {
                    drop(hold::<T>(80));
                }
            });
        }
        let until = Instant::now() + Duration::from_millis(500);
        while Instant::now() < until {
            read();
        }
        ended.store(true, Relaxed);
    });
}

/// 2 % of the readings of `stats` said more than 160, by up to 328.
#[test]
fn a_settled_reading_is_exact_while_objects_move() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000)]
    struct Page(u8);

    let (mut readings, mut unsettled) = (0, 0);
    read_while_used::<Page>(|| {
        readings += 1;
        let Some(stats) = Page::pool().settled_stats() else {
            unsettled += 1;
            return;
        };
        assert!(stats.in_use <= 160 && stats.victims <= stats.idle && stats.idle <= stats.max_idle, "{stats:?}");
        let gone = stats.detached + stats.dropped.total();
        assert_eq!(stats.created + stats.adopted, gone + (stats.idle + stats.in_use) as u64, "{stats:?}");
    });
    println!("{unsettled} of {readings} readings were not settled");
    assert!(readings > 10 && unsettled < readings / 2, "{unsettled} of {readings}");
    // What is left when they are gone.
    let stats = Page::pool().settled_stats().expect("nobody else uses it");
    assert_eq!((stats.in_use, stats.idle), (0, Page::pool().idle()));
}

/// Each was a sum of its own, so that victims could be more than there was idle.
#[test]
fn victims_are_idle() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000)]
    struct Page(u8);

    let mut readings = 0;
    read_while_used::<Page>(|| {
        if readings % 10 == 0 {
            Page::pool().age();
        }
        readings += 1;
        let stats = Page::pool().stats();
        assert!(stats.victims <= stats.idle, "{stats:?}");
    });
}

/// Guards that are kept, while other threads move idle objects: exact, and not only an upper limit.
#[test]
fn a_settled_reading_counts_what_is_held() {
    counted!(Page, TALLY, max_idle = 1000);

    let (here, go_on) = (Barrier::new(3), Barrier::new(3));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                drop(hold::<Page>(200));
                let held = hold::<Page>(80);
                here.wait();
                go_on.wait();
                drop(held);
            });
        }
        here.wait();
        let stats = Page::pool().settled_stats();
        let alive = TALLY.alive();
        go_on.wait();
        let stats = stats.expect("no thread makes or drops one");
        assert_eq!((stats.in_use, stats.in_use + stats.idle), (160, alive as usize), "{stats:?}");
    });
}
