//! What ageing drops, and what it leaves: to the object.

use std::sync::Barrier;
use std::thread;

use pool_runtime::Pooled;
use tests::counted;
use tests::cpu;
use tests::guards::hold;

/// What is used at a peak in each interval is there at the next, and nothing is made for it.
#[test]
fn a_steady_load_keeps_its_objects() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    for peak in [1, 2, 3, 4, 5, 16, 31, 32, 33, 64, 100, 500] {
        drop(hold::<Page>(peak));
        let before = Page::pool().stats();
        assert_eq!(TALLY.alive(), peak as u64);
        for interval in 0..50 {
            // The peak comes early, late, and more than once, with less before and after it.
            drop(hold::<Page>(peak * (interval % 3) / 3));
            for _ in 0..=interval % 2 {
                drop(hold::<Page>(peak));
            }
            drop(hold::<Page>(1));
            Page::pool().age();
        }
        let after = Page::pool().stats();
        assert_eq!((after.created, after.dropped), (before.created, before.dropped), "with {peak} at the peaks");
        assert_eq!((after.idle, TALLY.alive()), (peak, peak as u64));
        Page::pool().collect();
    }
}

/// A pool shrinks to what the last interval has used, in one step after it, whatever it held before.
#[test]
fn a_lower_load_keeps_what_it_uses() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    for low in [0, 1, 2, 7, 33, 99] {
        drop(hold::<Page>(100));
        Page::pool().age();
        assert_eq!(TALLY.alive(), 100, "all were used in this interval");
        drop(hold::<Page>(low));
        Page::pool().age();
        let stats = Page::pool().stats();
        assert_eq!((TALLY.alive(), stats.idle), (low as u64, low));
        TALLY.check(&stats, 0, 0);
        Page::pool().collect();
    }
}

/// What is in use is not idle, however long it is held.
#[test]
fn what_is_held_over_intervals_is_kept() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    let mut held = hold::<Page>(20);
    for _ in 0..10 {
        Page::pool().age();
    }
    held.iter().for_each(|page| page.0.assert_alive());
    held.truncate(5);
    Page::pool().age();
    assert_eq!(TALLY.alive(), 20, "fifteen have been idle for less than an interval");
    Page::pool().age();
    assert_eq!(TALLY.alive(), 5);
    TALLY.check(&Page::pool().stats(), 5, 0);
}

/// Threads on all CPUs that use `held` each, all of them at once in each interval.
#[test]
fn a_steady_load_on_all_cpus_keeps_its_objects() {
    counted!(Page, TALLY, max_idle = 1000);

    const THREADS: usize = 4;
    const INTERVALS: u64 = 50;
    let cpus = &cpu::allowed();
    for held in [1, 10, 50] {
        let (created, peak) = (TALLY.made(), (THREADS * held) as u64);
        for interval in 0..INTERVALS {
            let (before, all) = (Page::pool().stats(), &Barrier::new(THREADS));
            thread::scope(|scope| {
                for thread in 0..THREADS {
                    scope.spawn(move || {
                        cpu::pin_to(cpus[thread % cpus.len()]);
                        let peak = hold::<Page>(held);
                        all.wait();
                        drop(peak);
                    });
                }
            });
            Page::pool().age();
            let after = Page::pool().stats();
            // What is released while others have every list in their hands is dropped.
            let (alive, busy) = (TALLY.alive(), after.dropped.busy - before.dropped.busy);
            assert!(alive + busy >= peak, "interval {interval}: {alive} are left of {peak}: {after:?}");
            assert_eq!(after.dropped.bound, 0);
            TALLY.check(&after, 0, 0);
        }
        // An acquire that passes over what another thread has in its hands makes one; ageing drops what is too much.
        let made = TALLY.made() - created;
        assert!(made <= peak + peak * INTERVALS / 10, "{made} were made for {peak} at a time, {INTERVALS} times");
        Page::pool().collect();
        assert_eq!(TALLY.alive(), 0);
    }
}

/// A CPU that runs none of our threads any more keeps nothing: others age its part.
#[test]
fn a_cpu_that_is_not_used_any_more_is_emptied() {
    counted!(Page, TALLY, max_idle = 1000);

    let cpus = cpu::allowed();
    cpu::pin_to(cpus[0]);
    for &other in &cpus {
        // This thread's are there first, so that it does not need the other's.
        drop(hold::<Page>(10));
        thread::spawn(move || {
            cpu::pin_to(other);
            let held = hold::<Page>(100);
            // What is private to the CPU and what is shared, and victims as well.
            drop(held);
            Page::pool().age();
            drop(hold::<Page>(30));
        })
        .join()
        .expect("it uses the pool");
        let before = TALLY.alive();
        assert!(before >= 100, "{before} alive");
        drop(hold::<Page>(10));
        Page::pool().age();
        drop(hold::<Page>(10));
        Page::pool().age();
        let stats = Page::pool().stats();
        assert_eq!((TALLY.alive(), stats.idle), (10, 10), "{before} before, the other on CPU {other}");
        TALLY.check(&stats, 0, 0);
        Page::pool().collect();
    }
}
