//! `max_idle` is strict: a total, whatever the number of threads and CPUs.

use std::sync::Barrier;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread;

use pool_runtime::{Guard, Pooled};
#[cfg(target_os = "linux")]
use tests::child;
use tests::counted;
use tests::cpu;
use tests::guards::hold;
use tests::random::Random;

/// Three times as many are released as may stay, for every bound, and another thread looks all the time.
#[test]
fn every_bound_from_0_to_200_holds() {
    counted!(Page, TALLY);

    // Never below the bound in force, so what the observer reads behind the count is never too small for it.
    static BOUND: AtomicUsize = AtomicUsize::new(0);
    static ENDED: AtomicBool = AtomicBool::new(false);

    let observer = thread::spawn(|| {
        let mut most = 0;
        while !ENDED.load(Relaxed) {
            let idle = TALLY.idle_at_least();
            let bound = BOUND.load(Relaxed);
            assert!(idle <= bound, "{idle} idle, {bound} allowed: {:?}", Page::pool().stats());
            most = most.max(idle);
        }
        most
    });
    cpu::pin();
    Page::pool().set_max_idle(0);
    for bound in 0..=200 {
        BOUND.store(bound, Relaxed);
        Page::pool().set_max_idle(bound);
        assert_eq!(Page::pool().max_idle(), bound);
        for _ in 0..2 {
            TALLY.may_hold(3 * bound);
            let mut held = hold::<Page>(3 * bound);
            while held.pop().is_some() {
                TALLY.holds(1, 0, 0);
                let idle = Page::pool().idle();
                assert!(idle <= bound, "{idle} idle, {bound} allowed");
                assert_eq!(idle, TALLY.idle_at_least());
            }
            let stats = Page::pool().stats();
            TALLY.check(&stats, 0, 0);
            // A count of its own, which no gauge can hide.
            assert!(TALLY.alive() <= bound as u64, "{} alive, {bound} allowed", TALLY.alive());
            assert!(2 * stats.idle >= bound, "most of {bound} is used: {stats:?}");
        }
        // Victims count too.
        Page::pool().age();
        TALLY.may_hold(3 * bound);
        drop(hold::<Page>(3 * bound));
        TALLY.holds(3 * bound, 0, 0);
        assert!(TALLY.alive() <= bound as u64, "{} alive, {bound} allowed", TALLY.alive());
        if bound % 3 == 0 {
            Page::pool().collect();
            assert_eq!(TALLY.alive(), 0);
        }
    }
    ENDED.store(true, Relaxed);
    let most = observer.join().expect("the bound holds for the observer");
    assert!(most <= 200);
}

#[test]
fn a_bound_of_zero_keeps_nothing() {
    counted!(Page, TALLY, max_idle = 0);

    cpu::pin();
    assert_eq!(Page::pool().max_idle(), 0);
    for round in 1..=10 {
        drop(hold::<Page>(3));
        assert_eq!((TALLY.made(), TALLY.dropped()), (3 * round, 3 * round));
        assert_eq!(Page::pool().idle(), 0);
        assert!(Page::try_acquire().is_none());
        Page::pool().age();
    }
    assert_eq!(Page::prefill(5), 0);
    assert_eq!(TALLY.made(), 30);
    drop(Page::adopt(Page(TALLY.make())));
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    assert_eq!((stats.created, stats.adopted, stats.dropped.bound), (30, 1, 31));
}

#[test]
fn a_bound_of_one_keeps_one() {
    counted!(Page, TALLY, max_idle = 1);

    cpu::pin();
    for _ in 0..10 {
        drop(hold::<Page>(1));
        assert_eq!((TALLY.made(), TALLY.alive(), Page::pool().idle()), (1, 1, 1));
    }
    drop(hold::<Page>(2));
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    assert_eq!((stats.created, stats.idle, stats.dropped.bound), (2, 1, 1));
    Page::pool().age();
    drop(hold::<Page>(2));
    assert_eq!(Page::pool().idle(), 1);
}

#[test]
fn a_lower_bound_drops_what_is_too_many_at_once() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    for bound in [64, 63, 40, 33, 32, 31, 17, 5, 4, 3, 2, 1, 0] {
        Page::pool().set_max_idle(1000);
        drop(hold::<Page>(200));
        Page::pool().age();
        drop(hold::<Page>(100));
        let before = Page::pool().stats();
        assert_eq!(before.idle, 200);

        Page::pool().set_max_idle(bound);
        let after = Page::pool().stats();
        TALLY.check(&after, 0, 0);
        assert!(TALLY.alive() <= bound as u64, "{} alive, {bound} allowed", TALLY.alive());
        assert!(after.idle <= bound, "{bound} allowed: {after:?}");
        assert_eq!(after.dropped.collect - before.dropped.collect, (before.idle - after.idle) as u64);
        assert_eq!(after.dropped.total() - before.dropped.total(), (before.idle - after.idle) as u64);
    }
}

#[test]
fn a_higher_bound_is_used() {
    counted!(Page, TALLY, max_idle = 0);

    cpu::pin();
    drop(hold::<Page>(500));
    assert_eq!(TALLY.alive(), 0);
    for bound in [1, 2, 3, 4, 5, 16, 100, 500] {
        Page::pool().set_max_idle(bound);
        drop(hold::<Page>(500));
        let stats = Page::pool().stats();
        TALLY.check(&stats, 0, 0);
        assert!(stats.idle <= bound && 2 * stats.idle >= bound, "{bound} allowed: {stats:?}");
    }
}

/// No sum with the bound may overflow.
#[test]
fn a_bound_without_limit_keeps_everything() {
    counted!(Page, TALLY, max_idle = 10);

    cpu::pin();
    for bound in [usize::MAX, isize::MAX as usize, usize::MAX - 1, isize::MAX as usize + 1, usize::MAX] {
        Page::pool().set_max_idle(bound);
        drop(hold::<Page>(5000));
        assert_eq!((TALLY.made(), Page::pool().idle()), (5000, 5000));
        Page::pool().age();
        assert_eq!(Page::pool().idle(), 5000);
    }
    Page::pool().set_max_idle(10);
    assert!(Page::pool().idle() <= 10);
    TALLY.check(&Page::pool().stats(), 0, 0);
}

/// A CPU that went idle does not keep its part of the bound: ageing takes it back.
#[test]
fn a_burst_of_threads_leaves_the_bound_to_those_that_stay() {
    counted!(Page, TALLY, max_idle = 64);

    let all = Barrier::new(16);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let held = hold::<Page>(64);
                all.wait();
                drop(held);
            });
        }
    });
    assert!(TALLY.alive() <= 64);
    cpu::pin();
    for _ in 0..10 {
        Page::pool().age();
    }
    assert_eq!(TALLY.alive(), 0);
    drop(hold::<Page>(64));
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    assert!(stats.idle >= 32, "{stats:?}");
}

/// rust-lang/regex#1389: memory does not multiply with threads or CPUs.
#[test]
fn sixteen_is_sixteen_with_64_threads() {
    counted!(Page, TALLY, max_idle = 16);

    const THREADS: usize = 64;
    const BURSTS: usize = if cfg!(debug_assertions) { 20 } else { 100 };
    static ENDED: AtomicBool = AtomicBool::new(false);
    let observer = thread::spawn(|| {
        while !ENDED.load(Relaxed) {
            let idle = TALLY.idle_at_least();
            assert!(idle <= 16, "{idle} idle, {:?}", Page::pool().stats());
        }
    });
    let cpus = cpu::allowed();
    for _ in 0..BURSTS {
        let all = Barrier::new(THREADS);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (all, cpus) = (&all, &cpus);
                scope.spawn(move || {
                    cpu::pin_to(cpus[thread % cpus.len()]);
                    TALLY.may_hold(3);
                    let held = hold::<Page>(3);
                    all.wait();
                    drop(held);
                    // And without a barrier, so that some take while others give back.
                    for _ in 0..50 {
                        hold::<Page>(2);
                    }
                    TALLY.holds(3, 0, 0);
                });
            }
        });
        assert!(TALLY.alive() <= 16, "{} alive", TALLY.alive());
        TALLY.check(&Page::pool().stats(), 0, 0);
    }
    ENDED.store(true, Relaxed);
    observer.join().expect("the bound holds for the observer");
}

#[test]
fn prefill_makes_what_the_bound_allows() {
    counted!(Page, TALLY, max_idle = 100);

    cpu::pin();
    assert_eq!(Page::prefill(0), 0);
    assert_eq!(TALLY.made(), 0);
    assert_eq!(Page::prefill(10), 10);
    let stats = Page::pool().stats();
    assert_eq!((TALLY.made(), stats.created, stats.idle), (10, 10, 10));
    TALLY.check(&stats, 0, 0);

    for n in [100, 1000, usize::MAX] {
        let before = Page::pool().stats();
        let made = Page::prefill(n);
        let after = Page::pool().stats();
        assert_eq!(after.idle, before.idle + made);
        assert!(after.idle <= 100 && after.idle >= 50, "{after:?}");
        // It stops at the bound: nothing is made only to be dropped, but for the one that finds it.
        assert!(after.created - before.created <= made as u64 + 1, "{after:?}");
        TALLY.check(&after, 0, 0);
    }
}

/// `local` is a size, not a promise: the bound is above it.
#[test]
fn a_private_stack_larger_than_the_bound_is_not() {
    counted!(Page, TALLY, max_idle = 10, local = 1000);

    cpu::pin();
    for _ in 0..5 {
        drop(hold::<Page>(100));
        assert!(TALLY.alive() <= 10);
        Page::pool().age();
    }
    TALLY.check(&Page::pool().stats(), 0, 0);
}

/// What stacks that grow and shrink charge, they give back.
#[test]
fn the_bound_does_not_wear_out() {
    counted!(Page, TALLY, max_idle = 200);

    for cycle in 0..500 {
        // On one thread after the other, so in all slots.
        thread::spawn(move || {
            for _ in 0..3 {
                drop(hold::<Page>(150));
            }
            match cycle % 4 {
                0 => Page::pool().collect(),
                1 => (0..5).for_each(|_| Page::pool().age()),
                2 => [10, 0, 200].into_iter().for_each(|n| Page::pool().set_max_idle(n)),
                _ => drop((0..200).map_while(|_| Page::try_acquire()).map(Guard::into_inner).collect::<Vec<_>>()),
            }
        })
        .join()
        .expect("it uses the pool");
    }
    Page::pool().collect();
    cpu::pin();
    (0..10).for_each(|_| Page::pool().age());
    drop(hold::<Page>(200));
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    assert!(stats.idle >= 100, "{stats:?}");
}

/// Who wants no limit writes `usize::MAX`; memory is taken for what the bound allows.
#[test]
fn a_private_stack_without_limit_may_be_asked_for() {
    counted!(Page, TALLY, max_idle = 100, local = usize::MAX);

    cpu::pin();
    for _ in 0..3 {
        drop(hold::<Page>(50));
        assert_eq!((TALLY.made(), Page::pool().idle()), (50, 50));
    }
    TALLY.check(&Page::pool().stats(), 0, 0);
}

/// Random operations of many threads, which move from CPU to CPU and so steal, while bounds change, sweeps go by, and
/// others ask all the time. Whenever all have stopped, the objects themselves are counted.
#[test]
fn random_operations_of_many_threads_keep_every_bound() {
    counted!(Page, TALLY, max_idle = 0);

    const ROUNDS: usize = if cfg!(debug_assertions) { 150 } else { 600 };
    // Below, about and above what local stacks reserve. In a round, every bound that is set is at most its one.
    const BOUNDS: [usize; 7] = [0, 1, 3, 8, 40, 200, 1000];
    static ROUND: AtomicUsize = AtomicUsize::new(0);
    static ENDED: AtomicBool = AtomicBool::new(false);

    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            ENDED.store(true, Relaxed);
        }
    }

    fn use_pool(random: &mut Random, held: &mut Vec<Guard<Page>>, cpus: &[usize], most: usize) {
        for _ in 0..30 {
            let before = held.len();
            TALLY.may_hold(8);
            match random.below(16) {
                0..6 => held.extend((0..random.below(8)).map(|_| Page::acquire())),
                6..11 => held.truncate(held.len() / 2),
                11 => held.extend(Page::try_acquire()),
                12 => cpu::pin_to(cpus[random.below(cpus.len())]),
                13 => Page::pool().set_max_idle(random.below(most + 1)),
                14 if random.below(2) == 0 => Page::pool().collect(),
                14 => Page::pool().age(),
                _ => drop(Page::prefill(random.below(20))),
            }
            TALLY.holds(8, before, held.len());
            let idle = TALLY.idle_at_least();
            assert!(idle <= most, "{idle} idle, never more than {most} allowed");
        }
        let before = held.len();
        held.truncate(50);
        TALLY.holds(0, before, held.len());
    }

    let observe = || {
        let mut most_seen = 0;
        while !ENDED.load(Relaxed) {
            let before = ROUND.load(Relaxed);
            let (idle, stats) = (TALLY.idle_at_least(), Page::pool().stats());
            let after = ROUND.load(Relaxed);
            let most = BOUNDS[before % 7].max(BOUNDS[after % 7]);
            // One round may have begun meanwhile; of two, the bounds of the first are not known here.
            let wrong = after <= before + 1 && idle > most;
            assert!(!wrong, "{idle} idle, {most} allowed: {stats:?}");
            most_seen = most_seen.max(idle);
        }
        most_seen
    };
    let cpus = &cpu::allowed();
    thread::scope(|scope| {
        let observers = [scope.spawn(observe), scope.spawn(observe)];
        let end = End;
        let mut users: Vec<_> = (0..8).map(|seed| (Random::new(seed), Vec::new())).collect();
        for round in 0..ROUNDS {
            let most = BOUNDS[round % 7];
            Page::pool().set_max_idle(0);
            ROUND.store(round, Relaxed);
            Page::pool().set_max_idle(most);
            thread::scope(|scope| {
                for (random, held) in &mut users {
                    scope.spawn(move || use_pool(random, held, cpus, most));
                }
            });
            let held = users.iter().map(|(_, held)| held.len()).sum();
            let stats = Page::pool().stats();
            TALLY.check(&stats, held, 0);
            let (alive, bound) = (TALLY.alive() as usize, Page::pool().max_idle());
            assert!(alive <= held + bound, "round {round}: {alive} alive, {held} held, {bound} allowed: {stats:?}");
        }
        drop(end);
        for observer in observers {
            let most_seen = observer.join().expect("the bound holds for those who ask");
            assert!(most_seen > 40, "{most_seen} seen: the bound was hardly used");
        }
    });
    let stats = Page::pool().stats();
    assert!(stats.steals > 0 || cpus.len() == 1, "nothing was stolen: {stats:?}");
    assert!(stats.dropped.bound > 0 && stats.dropped.age > 0 && stats.dropped.collect > 0, "{stats:?}");
}

/// What a sweep has taken out takes up memory until it is dropped, and so does not make room before.
#[test]
fn what_a_sweep_is_about_to_drop_counts_still() {
    static MOST_ALIVE: AtomicUsize = AtomicUsize::new(0);
    counted!(Page, TALLY, max_idle = 10);

    // The first objects that are dropped fill the pool again.
    impl Drop for Page {
        fn drop(&mut self) {
            static DEPTH: AtomicUsize = AtomicUsize::new(0);
            if DEPTH.fetch_add(1, Relaxed) == 0 {
                TALLY.may_hold(30);
                drop(hold::<Page>(30));
                TALLY.holds(30, 0, 0);
            }
            MOST_ALIVE.fetch_max(TALLY.idle_at_least(), Relaxed);
            DEPTH.fetch_sub(1, Relaxed);
        }
    }

    cpu::pin();
    let sweeps: [fn(); 3] =
        [|| Page::pool().collect(), || (0..2).for_each(|_| Page::pool().age()), || Page::pool().set_max_idle(1)];
    for sweep in sweeps {
        Page::pool().set_max_idle(10);
        drop(hold::<Page>(10));
        sweep();
        let most = MOST_ALIVE.swap(0, Relaxed);
        assert!((1..=10).contains(&most), "{most} alive, 10 allowed");
    }
    TALLY.check(&Page::pool().stats(), 0, 0);
}

/// golang/go#73193: a process that used its pools first on one CPU, as under a quota of one, and then on all. Each CPU that comes has a
/// stack, and a lowered limit must get the places of all of them back. (A machine needs more than two CPUs to show it.)
#[test]
#[cfg(target_os = "linux")]
fn the_bound_holds_on_more_cpus_than_there_were_at_first() {
    counted!(Page, TALLY, max_idle = 64);

    if !child::is_child() {
        child::run_and_pass("the_bound_holds_on_more_cpus_than_there_were_at_first", |command| command);
        return;
    }
    let cpus = cpu::allowed();
    // The main thread, too, or its binding is the one that counts.
    cpu::pin_thread(std::process::id() as i32, cpus[0]);
    cpu::pin_to(cpus[0]);
    drop(Page::acquire());
    let on_each = || {
        for &cpu in &cpus {
            cpu::pin_to(cpu);
            TALLY.may_hold(8);
            drop(hold::<Page>(8));
            TALLY.holds(8, 0, 0);
            let (alive, max) = (TALLY.idle_at_least(), Page::pool().max_idle());
            assert!(alive <= max, "CPU {cpu}: {alive} alive, {max} allowed");
            assert_eq!(Page::pool().idle(), alive);
        }
    };
    for limit in [64, 16, 3, 40, 8, 64, 1, 0] {
        on_each();
        Page::pool().set_max_idle(limit);
        let stats = Page::pool().stats();
        TALLY.check(&stats, 0, 0);
        assert!(stats.idle <= limit, "{stats:?}");
        on_each();
        on_each();
    }
}

/// golang/go#73193: a process that may use one CPU when it begins, and more later, and fewer again.
#[test]
#[cfg(target_os = "linux")]
fn a_default_bound_follows_the_cpus_at_each_ageing_step() {
    counted!(Page, TALLY);
    #[derive(Default, Pooled)]
    struct Late(u8);
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 7)]
    struct Fixed(u8);

    let cpus = cpu::allowed();
    if !child::is_child() {
        cpu::pin_to(cpus[0]);
        child::run_and_pass("a_default_bound_follows_the_cpus_at_each_ageing_step", |command| {
            // What the thread may use is what the child may use.
            command.env("POOL_TESTS_CPUS", cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
        });
        return;
    }
    let all: Vec<usize> = std::env::var("POOL_TESTS_CPUS")
        .expect("set above")
        .split(',')
        .map(|cpu| cpu.parse().expect("a number"))
        .collect();
    let may_use = |cpus: &[usize]| {
        for thread in [std::process::id() as i32, 0] {
            cpu::bind_thread(thread, cpus);
        }
    };
    let most = |cpus: usize| {
        TALLY.may_hold(200 * all.len());
        drop(hold::<Page>(200 * all.len()));
        TALLY.holds(200 * all.len(), 0, 0);
        assert_eq!(Page::pool().max_idle(), 64 * cpus);
        let alive = TALLY.idle_at_least();
        assert!(alive <= 64 * cpus && alive >= 32 * cpus, "{alive} alive, {} allowed", 64 * cpus);
        assert_eq!(Page::pool().idle(), alive);
    };
    most(1);
    may_use(&all);
    most(1);
    pool_runtime::age();
    most(all.len());
    assert_eq!(Late::pool().max_idle(), 64 * all.len(), "a pool that is first used by now");
    may_use(&all[..1]);
    Page::pool().age();
    assert!(TALLY.idle_at_least() <= 64, "{} alive, 64 allowed", TALLY.idle_at_least());
    most(1);
    drop(Fixed::acquire());
    may_use(&all);
    pool_runtime::age();
    assert_eq!(Fixed::pool().max_idle(), 7);
}
