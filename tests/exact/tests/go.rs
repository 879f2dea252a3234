//! What the tests of Go's `src/sync/pool_test.go` check, with exact numbers.
//!
//! Go waits for finalizers and accepts nearly all. Here each type counts its drops, and each test stays on one CPU.

use pool_runtime::{Guard, Pooled};
use tests::counted;
use tests::counted::{Counted, Tally};
use tests::cpu;

/// Takes `n` objects, all at once, and returns their numbers, sorted.
fn numbers<T: Pooled>(n: usize, number: fn(&T) -> u64) -> Vec<u64> {
    let held: Vec<Guard<T>> = (0..n).map(|_| T::acquire()).collect();
    let mut numbers: Vec<u64> = held.iter().map(|guard| number(guard)).collect();
    numbers.sort_unstable();
    numbers
}

/// TestPool, first half.
#[test]
fn two_releases_come_back_in_two_acquires() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    assert!(Page::try_acquire().is_none());
    TALLY.check(&Page::pool().stats(), 0, 0);

    let (a, b) = (Page::acquire(), Page::acquire());
    assert_eq!((a.0.number, b.0.number), (0, 1));
    TALLY.check(&Page::pool().stats(), 2, 0);
    drop(a);
    drop(b);
    assert_eq!(Page::pool().idle(), 2);

    let (a, b) = (Page::try_acquire().expect("two are idle"), Page::try_acquire().expect("one is idle"));
    let mut numbers = [a.0.number, b.0.number];
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1]);
    assert!(Page::try_acquire().is_none(), "an object is in two places");
    TALLY.check(&Page::pool().stats(), 2, 0);
    assert_eq!(TALLY.made(), 2);
}

/// TestPool, second half.
#[test]
fn one_age_keeps_everything() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    assert_eq!(numbers::<Page>(100, |page| page.0.number), Vec::from_iter(0..100));
    assert_eq!(Page::pool().idle(), 100);
    Page::pool().age();
    let stats = Page::pool().stats();
    assert_eq!((stats.idle, stats.victims, TALLY.dropped()), (100, 100, 0));

    // All of them, and no new one.
    assert_eq!(numbers::<Page>(100, |page| page.0.number), Vec::from_iter(0..100));
    let stats = Page::pool().stats();
    assert_eq!((stats.created, stats.idle, stats.victims), (100, 100, 0));
    TALLY.check(&stats, 0, 0);
}

/// TestPool, second half: what no cycle of use touched is gone after two.
#[test]
fn two_ages_drop_everything() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    for round in 1..=3 {
        numbers::<Page>(100, |page| page.0.number);
        Page::pool().age();
        assert_eq!(TALLY.dropped(), 100 * (round - 1));
        Page::pool().age();
        assert_eq!(TALLY.dropped(), 100 * round);
        assert!(Page::try_acquire().is_none());
        let stats = Page::pool().stats();
        assert_eq!((stats.idle, stats.victims, stats.dropped.age), (0, 0, 100 * round));
        TALLY.check(&stats, 0, 0);
    }
}

/// The victim cache: an object that is used once in each interval never ages away.
#[test]
fn used_objects_outlive_any_number_of_ages() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    numbers::<Page>(100, |page| page.0.number);
    for _ in 0..10 {
        Page::pool().age();
        assert_eq!(numbers::<Page>(100, |page| page.0.number), Vec::from_iter(0..100));
    }
    assert_eq!((TALLY.made(), TALLY.dropped()), (100, 0));

    // Of a hundred, forty stay in use.
    for _ in 0..10 {
        Page::pool().age();
        numbers::<Page>(40, |page| page.0.number);
    }
    assert_eq!((TALLY.made(), TALLY.dropped()), (100, 60));
    assert_eq!(Page::pool().idle(), 40);
}

/// Objects that are out in a guard do not age.
#[test]
fn held_objects_do_not_age() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    let held = Page::acquire();
    for _ in 0..5 {
        Page::pool().age();
        Page::pool().collect();
    }
    held.0.assert_alive();
    drop(held);
    Page::pool().age();
    assert_eq!((TALLY.made(), TALLY.dropped(), Page::pool().idle()), (1, 0, 1));
}

/// TestPoolNew.
#[test]
fn new_is_called_only_on_a_miss() {
    static TALLY: Tally = Tally::new();
    #[derive(Pooled)]
    #[pooled(new = Page::new, max_idle = 1000)]
    struct Page {
        _object: Counted,
        #[pooled(keep)]
        mark: u64,
    }
    impl Page {
        fn new() -> Self {
            let object = TALLY.make();
            Self { mark: object.number + 1, _object: object }
        }
    }

    cpu::pin();
    let mut first = Page::acquire();
    assert_eq!(first.mark, 1);
    let second = Page::acquire();
    assert_eq!(second.mark, 2);

    first.mark = 42;
    drop(first);
    let again = Page::acquire();
    assert_eq!((again.mark, TALLY.made()), (42, 2));
    let third = Page::acquire();
    assert_eq!((third.mark, TALLY.made()), (3, 3));
}

/// TestPoolGC: what was taken out is dropped when its new owner drops it.
#[test]
fn a_drained_pool_keeps_no_reference() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    for round in 1..=3 {
        numbers::<Page>(100, |page| page.0.number);
        assert_eq!(Page::pool().idle(), 100);
        let taken: Vec<Page> = (0..100).map(|_| Guard::into_inner(Page::acquire())).collect();
        assert_eq!(TALLY.made(), 100 * round, "all were idle");
        TALLY.check(&Page::pool().stats(), 0, 100);
        drop(taken);
        assert_eq!(TALLY.dropped(), 100 * round);
        assert!(Page::try_acquire().is_none());
        Page::pool().collect();
        TALLY.check(&Page::pool().stats(), 0, 0);
    }
}

/// TestPoolRelease.
#[test]
fn one_collect_drops_everything() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    for round in 1..=3 {
        numbers::<Page>(100, |page| page.0.number);
        // A part of them is victims, the rest is not.
        Page::pool().age();
        numbers::<Page>(30, |page| page.0.number);
        assert_eq!(Page::pool().stats().victims, 70);
        Page::pool().collect();
        let stats = Page::pool().stats();
        assert_eq!((TALLY.dropped(), stats.dropped.collect), (100 * round, 100 * round));
        assert_eq!((stats.idle, stats.victims), (0, 0));
        assert!(Page::try_acquire().is_none());
        TALLY.check(&stats, 0, 0);
    }
}
