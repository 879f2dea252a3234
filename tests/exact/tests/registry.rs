//! The list of the pools, and what is done to all of them.
//!
//! They take turns: what is done to all pools is done to those of the other tests, too.

use std::panic::{catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use pool_runtime::{Pooled, registry};
use tests::counted;
use tests::cpu;
use tests::guards::hold;
use tests::turn::turn;

/// How often `pools()` and `stats()` name the pool of `T`.
fn named<T: Pooled>() -> [usize; 2] {
    let name = T::pool().name();
    let pools = registry::pools().into_iter().filter(|pool| pool.name() == name).count();
    let stats = registry::stats().into_iter().filter(|stats| stats.name == name).count();
    [pools, stats]
}

/// [`named`], where both must agree.
fn listed<T: Pooled>() -> usize {
    let [pools, stats] = named::<T>();
    assert_eq!(pools, stats);
    pools
}

#[test]
fn a_pool_is_listed_after_its_first_use_and_once() {
    counted!(NeverUsed, A, max_idle = 1000);
    counted!(AcquiredFrom, B, max_idle = 1000);
    counted!(AdoptedInto, C, max_idle = 1000);
    counted!(Prefilled, D, max_idle = 1000);
    counted!(Asked, E, max_idle = 1000);
    let _turn = turn();
    assert_eq!(listed::<NeverUsed>() + listed::<AcquiredFrom>() + listed::<AdoptedInto>() + listed::<Prefilled>(), 0);
    for _ in 0..3 {
        drop(hold::<AcquiredFrom>(3));
        assert_eq!(listed::<AcquiredFrom>(), 1);
        drop(AdoptedInto::adopt(AdoptedInto(C.make())));
        assert_eq!(listed::<AdoptedInto>(), 1);
        Prefilled::prefill(1);
        assert_eq!(listed::<Prefilled>(), 1);
        Asked::try_acquire();
        assert!(listed::<Asked>() <= 1);
        AcquiredFrom::pool().collect();
        registry::collect();
        registry::age();
    }
    assert_eq!(listed::<NeverUsed>(), 0);
    assert_eq!((listed::<AcquiredFrom>(), listed::<AdoptedInto>(), listed::<Prefilled>()), (1, 1, 1));
}

/// Many threads use a new pool at the same moment, and others read the list meanwhile.
#[test]
fn a_pool_that_many_threads_use_first_is_listed_once() {
    let _turn = turn();
    macro_rules! race {
        ($($name:ident: $tally:ident),*) => {$(
            counted!($name, $tally, max_idle = 1000);
            let all = Barrier::new(17);
            thread::scope(|scope| {
                for _ in 0..16 {
                    scope.spawn(|| {
                        all.wait();
                        drop($name::acquire());
                        assert_eq!(listed::<$name>(), 1, "its own use comes before its look at the list");
                    });
                }
                all.wait();
                for _ in 0..20 {
                    assert!(named::<$name>().iter().all(|&times| times <= 1));
                    registry::collect();
                }
            });
            assert_eq!(listed::<$name>(), 1);
            $tally.check(&$name::pool().stats(), 0, 0);
            registry::collect();
            assert_eq!($tally.alive(), 0, "what the race left is reached by a collection");
        )*};
    }
    race!(A1: A1T, A2: A2T, A3: A3T, A4: A4T, A5: A5T, A6: A6T, A7: A7T, A8: A8T, A9: A9T, A10: A10T, A11: A11T, A12: A12T);
}

#[test]
fn collect_clears_every_pool() {
    counted!(One, ONES, max_idle = 1000);
    counted!(Two, TWOS, max_idle = 1000);
    counted!(Three, THREES, max_idle = 1000);
    let _turn = turn();
    cpu::pin();
    for round in 1..=3 {
        drop((hold::<One>(100), hold::<Two>(1)));
        let three = hold::<Three>(5);
        pool_runtime::age();
        drop(hold::<One>(10));
        pool_runtime::collect();
        assert_eq!((ONES.dropped(), TWOS.dropped(), THREES.dropped()), (100 * round, round, 5 * (round - 1)));
        drop(three);
        registry::collect();
        assert_eq!((ONES.alive(), TWOS.alive(), THREES.alive()), (0, 0, 0));
        assert!(registry::stats().iter().all(|stats| stats.idle == 0), "{:?}", registry::stats());
    }
    ONES.check(&One::pool().stats(), 0, 0);
    assert_eq!(One::pool().stats().dropped.collect, 300);
}

#[test]
fn age_is_one_step_in_every_pool() {
    counted!(One, ONES, max_idle = 1000);
    counted!(Two, TWOS, max_idle = 1000);
    let _turn = turn();
    cpu::pin();
    drop((hold::<One>(100), hold::<Two>(1)));
    pool_runtime::age();
    assert_eq!((One::pool().stats().victims, Two::pool().stats().victims), (100, 1));
    assert_eq!((ONES.dropped(), TWOS.dropped()), (0, 0));
    // The one that is used stays, the other goes.
    drop(hold::<Two>(1));
    registry::age();
    assert_eq!((ONES.dropped(), TWOS.dropped()), (100, 0));
    assert_eq!(One::pool().stats().dropped.age, 100);
}

#[test]
fn rows_agree_with_the_pools() {
    counted!(One, ONES, max_idle = 1000);
    let _turn = turn();
    let held = hold::<One>(7);
    drop(hold::<One>(3));
    let row = |name| registry::stats().into_iter().find(|stats| stats.name == name).expect("it was used");
    let stats = row(One::pool().name());
    assert_eq!(stats, One::pool().stats());
    assert_eq!((stats.idle, stats.in_use, stats.created), (3, 7, 10));
    assert!(One::pool().name().ends_with("::One"), "the path of the type: {}", One::pool().name());
    ONES.check(&stats, 7, 0);
    drop(held);
}

#[test]
fn a_pool_in_the_list_can_be_worked_with() {
    counted!(One, ONES, max_idle = 1000);
    let _turn = turn();
    cpu::pin();
    drop(hold::<One>(10));
    let name = One::pool().name();
    let pool = registry::pools().into_iter().find(|pool| pool.name() == name).expect("it was used");
    assert_eq!((pool.idle(), pool.max_idle(), pool.stats()), (10, 1000, One::pool().stats()));
    pool.age();
    assert_eq!(One::pool().stats().victims, 10);
    pool.set_max_idle(5);
    assert_eq!(One::pool().max_idle(), 5);
    assert!(ONES.alive() <= 5);
    pool.collect();
    assert_eq!(ONES.alive(), 0);
}

/// What a name is, is not what a pool is: two pools may have the same.
#[test]
fn pools_of_one_name_are_two_pools() {
    counted!(One, ONES, name = "a name that two pools have");
    counted!(Two, TWOS, name = "a name that two pools have");

    let _turn = turn();
    cpu::pin();
    assert_eq!(One::pool().name(), "a name that two pools have");
    drop(hold::<One>(2));
    assert_eq!(listed::<One>(), 1);
    drop(hold::<Two>(3));
    assert_eq!(listed::<One>(), 2);
    assert_eq!((One::pool().idle(), Two::pool().idle()), (2, 3));
}

/// A panic in one pool's objects does not keep another pool from being cleared.
#[test]
fn a_panicking_drop_does_not_stop_a_collect_of_all() {
    counted!(Before, BEFORES, max_idle = 1000);
    counted!(After, AFTERS, max_idle = 1000);
    counted!(Bad, BADS);
    impl Drop for Bad {
        fn drop(&mut self) {
            resume_unwind(Box::new("bad"));
        }
    }

    let _turn = turn();
    cpu::pin();
    for sweep in [registry::collect, || (registry::age(), registry::age()).1] {
        drop((hold::<Before>(10), hold::<Bad>(10), hold::<After>(10)));
        let payload = catch_unwind(sweep).expect_err("the panic goes on");
        assert_eq!(payload.downcast_ref(), Some(&"bad"));
        assert_eq!((BEFORES.alive(), BADS.alive(), AFTERS.alive()), (0, 0, 0));
        BADS.check(&Bad::pool().stats(), 0, 0);
    }
    // Nothing is poisoned.
    registry::collect();
    drop(hold::<Before>(10));
    registry::collect();
    assert_eq!(BEFORES.alive(), 0);
}

/// Each takes what the others have not taken.
#[test]
fn collects_at_the_same_time_leave_nothing() {
    counted!(One, ONES, max_idle = 1000);
    let _turn = turn();
    for _ in 0..50 {
        drop(hold::<One>(100));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(registry::collect);
            }
        });
        assert_eq!(ONES.alive(), 0);
    }
    ONES.check(&One::pool().stats(), 0, 0);
}

/// A pool leaves when nothing of it is in use, with all that is idle, and enters again when it is used.
#[test]
fn a_pool_that_leaves_is_not_listed_until_it_is_used() {
    counted!(Leaver, ONES, max_idle = 1000);
    counted!(NeverUsed, NEVER, max_idle = 1000);
    let _turn = turn();
    cpu::pin();
    assert_eq!(NeverUsed::pool().leave(), Ok(()));
    assert_eq!((listed::<NeverUsed>(), NEVER.alive()), (0, 0));
    for round in 1..=3 {
        let held = hold::<Leaver>(100);
        drop(hold::<Leaver>(7));
        let error = Leaver::pool().leave().expect_err("100 are in use");
        assert_eq!((error.objects(), error.pool()), (100, Leaver::pool().name()));
        assert_eq!((listed::<Leaver>(), Leaver::pool().idle()), (1, 7), "nothing has changed");
        drop(held);
        assert_eq!((Leaver::pool().leave(), Leaver::pool().leave()), (Ok(()), Ok(())));
        assert_eq!((listed::<Leaver>(), ONES.alive()), (0, 0));
        // Nor does a sweep of this pool alone, or of all, let it run.
        Leaver::pool().collect();
        Leaver::pool().set_max_idle(1000);
        registry::collect();
        registry::age();
        assert_eq!(listed::<Leaver>(), 0);

        let made = Leaver::pool().stats().created;
        drop(Leaver::acquire());
        assert_eq!((listed::<Leaver>(), Leaver::pool().stats().created), (1, made + 1));
        drop(hold::<Leaver>(100));
        drop(hold::<Leaver>(100));
        assert_eq!(Leaver::pool().stats().created, made + 100, "it pools again");
        registry::collect();
        assert_eq!((ONES.alive(), Leaver::pool().stats().dropped.collect), (0, 207 * round));
        ONES.check(&Leaver::pool().stats(), 0, 0);
    }
}

/// Who uses a pool that leaves at this moment uses a pool.
#[test]
fn a_pool_may_be_used_while_it_leaves() {
    counted!(Busy, ONES, max_idle = 1000);
    let _turn = turn();
    let rounds = if cfg!(debug_assertions) { 200 } else { 2000 };
    let end = AtomicBool::new(false);
    let left = thread::scope(|scope| {
        let go_on = |step: fn(usize)| {
            let end = &end;
            scope.spawn(move || {
                for round in (0..).take_while(|_| !end.load(Relaxed)) {
                    step(round);
                    thread::yield_now();
                }
            });
        };
        go_on(|round| drop(hold::<Busy>(round % 10)));
        go_on(|round| {
            let held = hold::<Busy>(round % 2);
            thread::yield_now();
            drop(held);
        });
        go_on(|round| {
            if round % 2 == 0 { registry::collect() } else { assert!(named::<Busy>().iter().all(|&times| times <= 1)) }
        });
        let left = (0..rounds).filter(|_| {
            thread::yield_now();
            Busy::pool().leave().is_ok()
        });
        let left = left.count();
        end.store(true, Relaxed);
        left
    });
    println!("{left} of {rounds} times it left");
    ONES.check(&Busy::pool().stats(), 0, 0);
    drop(Busy::acquire());
    assert_eq!(listed::<Busy>(), 1);
    assert_eq!(Busy::pool().leave(), Ok(()));
    assert_eq!((listed::<Busy>(), ONES.alive()), (0, 0));
}

/// A panic of an object's `Drop` goes on when the pool has left.
#[test]
fn a_panicking_drop_does_not_keep_a_pool_from_leaving() {
    counted!(Worse, BADS);
    impl Drop for Worse {
        fn drop(&mut self) {
            resume_unwind(Box::new("bad"));
        }
    }
    let _turn = turn();
    drop(hold::<Worse>(10));
    let payload = catch_unwind(|| Worse::pool().leave()).expect_err("the panic goes on");
    assert_eq!(payload.downcast_ref(), Some(&"bad"));
    assert_eq!((BADS.alive(), listed::<Worse>()), (0, 0));
    assert_eq!(Worse::pool().leave(), Ok(()));
}
