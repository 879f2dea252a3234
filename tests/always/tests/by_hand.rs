//! `Pooled` written by hand, as wrongly as safe code can: whatever `pool` returns, and if it panics, each object is dropped once.

#![forbid(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use pool_runtime::{Guard, Pool, Pooled};
use tests::counted::{Counted, Tally};

/// What panics here is meant to.
fn quietly<R>(step: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(step)).ok()
}

#[test]
fn a_pool_that_panics_loses_no_object() {
    static TALLY: Tally = Tally::new();
    static PANICS: AtomicBool = AtomicBool::new(false);
    struct Page(Counted);
    impl Pooled for Page {
        fn pool() -> &'static Pool<Self> {
            static POOL: Pool<Page> = Pool::new("page");
            assert!(!PANICS.load(Relaxed), "no pool today");
            &POOL
        }
        fn create_object() -> Self {
            Page(TALLY.make())
        }
        fn reset_object(page: &mut Self) {
            page.0.assert_alive();
        }
    }

    let ways: [fn(Guard<Page>); 5] = [
        drop,
        Guard::discard,
        |page| drop(Guard::into_inner(page)),
        |page| drop(Guard::into_box(page)),
        |page| Guard::leak(page).0.assert_alive(),
    ];
    for way in ways {
        let page = Page::acquire();
        let before = TALLY.alive();
        PANICS.store(true, Relaxed);
        assert!(quietly(|| way(page)).is_none());
        assert_eq!(TALLY.alive(), before - 1, "the object went with its guard");
        for acquire in [Page::acquire, || Page::adopt(Page(TALLY.make()))] {
            assert!(quietly(acquire).is_none());
        }
        assert!(quietly(Page::try_acquire).is_none() && quietly(|| Page::prefill(3)).is_none());
        PANICS.store(false, Relaxed);
    }
    Page::pool().collect();
    assert_eq!(TALLY.alive(), 0);
}

#[test]
fn two_pools_in_turn_and_new_ones_share_the_objects_of_a_type() {
    static TALLY: Tally = Tally::new();
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    struct Page(Counted);
    impl Pooled for Page {
        fn pool() -> &'static Pool<Self> {
            static FEW: Pool<Page> = Pool::new("few").with_max_idle(40);
            static FLAT: Pool<Page> = Pool::new("flat").with_local(3);
            match CALLS.fetch_add(1, Relaxed) % 50 {
                49 => Box::leak(Box::new(Pool::new("new"))),
                n if n % 3 == 0 => &FEW,
                _ => &FLAT,
            }
        }
        fn create_object() -> Self {
            Page(TALLY.make())
        }
        fn reset_object(page: &mut Self) {
            page.0.assert_alive();
        }
    }

    let work = |seed: usize| {
        let mut held = Vec::new();
        for step in 0..5_000 {
            match (step * 7 + seed) % 6 {
                0 | 1 => held.push(Page::acquire()),
                2 => held.extend(Page::try_acquire()),
                3 => drop(held.pop()),
                4 => drop(held.pop().map(Guard::into_inner)),
                _ => held.pop().into_iter().for_each(Guard::discard),
            }
            held.iter().for_each(|page| page.0.assert_alive());
            if step % 64 == 0 {
                Page::pool().age();
            }
            held.truncate(50);
        }
    };
    thread::scope(|scope| (0..3).for_each(|seed| drop(scope.spawn(move || work(seed)))));
    pool_runtime::collect();
    assert_eq!(TALLY.alive(), 0);
}
