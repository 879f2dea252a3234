//! Panics in user code: each object is dropped once, each count is right, nothing is poisoned.
//!
//! The panics here are silent: `resume_unwind` unwinds as `panic!` does, without the hook's message.

// Most fields are there to be dropped.
#![allow(dead_code)]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use pool_runtime::{Guard, Pooled};
use tests::counted;
use tests::counted::{Counted, Tally};
use tests::cpu;

/// The payload of every panic here.
struct Bad;

fn fail() -> ! {
    resume_unwind(Box::new(Bad))
}

/// Calls `part`, which must panic with [`Bad`].
#[track_caller]
fn assert_fails<R>(part: impl FnOnce() -> R) {
    match catch_unwind(AssertUnwindSafe(part)) {
        Ok(_) => panic!("no panic came out"),
        Err(payload) => assert!(payload.is::<Bad>(), "another panic came out"),
    }
}

/// Drops `guard` while this thread unwinds.
fn unwind_over<T>(guard: T) {
    assert_fails(|| {
        let _guard = guard;
        fail();
    });
}

#[test]
fn a_panic_in_new_leaves_the_pool_as_it_was() {
    static BAD: AtomicBool = AtomicBool::new(false);
    counted!(Page, TALLY, new = Page::new, max_idle = 1000);
    impl Page {
        fn new() -> Self {
            if BAD.load(Relaxed) {
                fail();
            }
            Self(TALLY.make())
        }
    }

    cpu::pin();
    // At the very first use of the pool.
    BAD.store(true, Relaxed);
    assert_fails(Page::acquire);
    assert_fails(|| Page::prefill(3));
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    assert_eq!((stats.created, stats.idle, stats.in_use, stats.dropped.total()), (0, 0, 0, 0));

    BAD.store(false, Relaxed);
    let held = Page::acquire();
    drop(Page::acquire());
    let before = Page::pool().stats();
    let idle = Page::acquire();
    BAD.store(true, Relaxed);
    for _ in 0..1000 {
        assert_fails(Page::acquire);
    }
    drop(idle);
    assert_eq!(Page::pool().stats(), before);
    // What is idle can still be had.
    let idle = Page::acquire();
    BAD.store(false, Relaxed);
    drop((held, idle, Page::acquire()));
    TALLY.check(&Page::pool().stats(), 0, 0);
    assert_eq!(Page::pool().idle(), 3);
}

#[test]
fn a_panic_in_prefill_keeps_what_was_made() {
    counted!(Page, TALLY, new = Page::new, max_idle = 1000);
    impl Page {
        fn new() -> Self {
            if TALLY.made() == 7 {
                fail();
            }
            Self(TALLY.make())
        }
    }

    cpu::pin();
    assert_fails(|| Page::prefill(10));
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    assert_eq!((stats.created, stats.idle), (7, 7));
    // All of them can be had: an eighth would panic.
    let held: Vec<_> = (0..7).map(|_| Page::acquire()).collect();
    TALLY.check(&Page::pool().stats(), held.len(), 0);
}

/// What came out of `new` before it panicked is not the pool's.
#[test]
fn an_object_that_new_made_before_it_panicked_is_dropped_once() {
    counted!(Page, TALLY, new = Page::new, max_idle = 1000);
    impl Page {
        fn new() -> Self {
            let _page = Self(TALLY.make());
            fail();
        }
    }

    assert_fails(Page::acquire);
    assert_eq!((TALLY.made(), TALLY.dropped()), (1, 1));
    assert_eq!(Page::pool().stats().created, 0);
}

#[test]
fn a_panic_in_reset_drops_the_object_once() {
    static BAD: AtomicBool = AtomicBool::new(false);
    static RETAINS: AtomicU64 = AtomicU64::new(0);
    counted!(Page, TALLY, reset = Page::reset, retain = Page::retain, max_idle = 1000);
    impl Page {
        fn reset(&mut self) {
            if BAD.load(Relaxed) {
                fail();
            }
        }
        fn retain(&self) -> bool {
            RETAINS.fetch_add(1, Relaxed);
            true
        }
    }

    cpu::pin();
    for round in 1..=100 {
        BAD.store(true, Relaxed);
        let page = Page::acquire();
        assert_fails(|| drop(page));
        let stats = Page::pool().stats();
        assert_eq!((TALLY.dropped(), stats.dropped.panic, stats.dropped.total()), (round, round, round));
        assert_eq!((stats.idle, stats.in_use), (0, 0));
        TALLY.check(&stats, 0, 0);
    }
    assert_eq!(RETAINS.load(Relaxed), 0, "an object that could not be reset was offered to `retain`");
    BAD.store(false, Relaxed);
    drop(Page::acquire());
    assert_eq!((Page::pool().idle(), RETAINS.load(Relaxed)), (1, 1));
}

#[test]
fn a_panic_in_the_reset_of_a_field_drops_the_object_once() {
    static TALLY: Tally = Tally::new();
    static AFTER: AtomicU64 = AtomicU64::new(0);
    struct Field;
    impl pool_runtime::Reset for Field {
        fn reset(&mut self) {
            fail();
        }
    }
    #[derive(Pooled)]
    #[pooled(new = || Page { bytes: Vec::new(), field: Field, count: 0, object: TALLY.make() }, max_idle = 1000)]
    struct Page {
        bytes: Vec<u8>,
        field: Field,
        #[pooled(with = count)]
        count: u64,
        object: Counted,
    }
    fn count(_: &mut u64) {
        AFTER.fetch_add(1, Relaxed);
    }

    let mut page = Page::acquire();
    page.bytes.push(1);
    page.object.assert_alive();
    let _ = (&page.field, page.count);
    assert_fails(|| drop(page));
    assert_eq!((TALLY.dropped(), Page::pool().stats().dropped.panic, AFTER.load(Relaxed)), (1, 1, 0));
    TALLY.check(&Page::pool().stats(), 0, 0);
}

#[test]
fn a_panic_in_retain_drops_the_object_once() {
    static BAD: AtomicBool = AtomicBool::new(false);
    counted!(Page, TALLY, retain = Page::retain, max_idle = 1000);
    impl Page {
        fn retain(&self) -> bool {
            if BAD.load(Relaxed) {
                fail();
            }
            true
        }
    }

    cpu::pin();
    for round in 1..=100 {
        BAD.store(true, Relaxed);
        let page = Page::acquire();
        assert_fails(|| drop(page));
        let stats = Page::pool().stats();
        assert_eq!((TALLY.dropped(), stats.dropped.panic, stats.dropped.total()), (round, round, round));
        TALLY.check(&stats, 0, 0);
    }
    BAD.store(false, Relaxed);
    drop(Page::acquire());
    assert_eq!(Page::pool().idle(), 1);
}

/// By default. `reset` does not run either: on a half-written object it may panic, and that would be an abort.
#[test]
fn a_guard_dropped_while_unwinding_is_discarded() {
    static RESETS: AtomicU64 = AtomicU64::new(0);
    counted!(Page, TALLY, reset = Page::reset, retain = Page::retain, max_idle = 1000);
    impl Page {
        fn reset(&mut self) {
            RESETS.fetch_add(1, Relaxed);
            assert!(!thread::panicking());
        }
        fn retain(&self) -> bool {
            assert!(!thread::panicking());
            true
        }
    }

    cpu::pin();
    drop(Page::acquire());
    for round in 1..=10 {
        unwind_over(Page::acquire());
        let stats = Page::pool().stats();
        assert_eq!((TALLY.dropped(), stats.dropped.panic, stats.idle, stats.in_use), (round, round, 0, 0));
        TALLY.check(&stats, 0, 0);
    }
    assert_eq!(RESETS.load(Relaxed), 1);

    // Several at once, and one that another thread took.
    unwind_over((Page::acquire(), Page::acquire(), thread::spawn(Page::acquire).join().ok()));
    assert_eq!((TALLY.dropped(), Page::pool().stats().dropped.panic), (13, 13));

    // After it, all is as before.
    drop(Page::acquire());
    assert_eq!((RESETS.load(Relaxed), Page::pool().idle()), (2, 1));
}

#[test]
fn discard_can_be_asked_for_by_name() {
    counted!(Page, TALLY, on_panic = discard, max_idle = 1000);

    unwind_over(Page::acquire());
    assert_eq!((TALLY.dropped(), Page::pool().idle()), (1, 0));
}

#[test]
fn on_panic_reset_keeps_the_object() {
    static TALLY: Tally = Tally::new();
    static RESETS: AtomicU64 = AtomicU64::new(0);
    #[derive(Pooled)]
    #[pooled(new = || Page(TALLY.make(), false), reset = Page::reset, on_panic = reset, max_idle = 1000)]
    struct Page(Counted, bool);
    impl Page {
        fn reset(&mut self) {
            RESETS.fetch_add(1, Relaxed);
            self.1 = false;
        }
    }

    cpu::pin();
    for round in 1..=10 {
        let mut page = Page::acquire();
        assert!(!page.1, "dirty");
        page.1 = true;
        unwind_over(page);
        let stats = Page::pool().stats();
        assert_eq!((RESETS.load(Relaxed), stats.created, stats.idle, stats.dropped.total()), (round, 1, 1, 0));
        TALLY.check(&stats, 0, 0);
    }
}

/// An object whose thread panicked, and that another thread let go of, is not affected.
#[test]
fn a_panic_elsewhere_discards_nothing_here() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    let page = Page::acquire();
    assert!(thread::spawn(|| fail()).join().is_err());
    drop(page);
    assert_eq!((TALLY.dropped(), Page::pool().idle()), (0, 1));
}

/// A cleanup that uses the pool while its thread unwinds gets objects, and what it gives back is discarded.
#[test]
fn acquire_works_while_unwinding() {
    counted!(Page, TALLY, max_idle = 1000);
    struct Cleanup;
    impl Drop for Cleanup {
        fn drop(&mut self) {
            assert!(thread::panicking());
            let page = Page::acquire();
            assert_eq!(page.0.number, 0, "the idle one");
            drop(page);
            drop(Page::acquire());
            Page::pool().age();
            Page::pool().collect();
        }
    }

    cpu::pin();
    drop(Page::acquire());
    unwind_over(Cleanup);
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    assert_eq!((stats.created, stats.dropped.panic, stats.idle), (2, 2, 0));
}

/// `Guard::discard`, a veto and a full pool drop an object on the spot: a panic of its `Drop` goes on to who caused it.
#[test]
fn a_panicking_drop_in_a_release_is_counted_once() {
    static RETAIN: AtomicBool = AtomicBool::new(true);
    counted!(Page, TALLY, retain = |_| RETAIN.load(Relaxed), max_idle = 0);
    impl Drop for Page {
        fn drop(&mut self) {
            fail();
        }
    }

    cpu::pin();
    for round in 1..=10 {
        let page = Page::acquire();
        assert_fails(|| drop(page));
        let page = Page::acquire();
        assert_fails(|| Guard::discard(page));
        let page = Page::acquire();
        assert_fails(|| drop(Guard::into_inner(page)));
        RETAIN.store(false, Relaxed);
        let page = Page::acquire();
        assert_fails(|| drop(page));
        RETAIN.store(true, Relaxed);
        let stats = Page::pool().stats();
        TALLY.check(&stats, 0, 0);
        let dropped = stats.dropped;
        assert_eq!((dropped.bound, dropped.discard, dropped.retain, dropped.panic), (round, round, round, 0));
        assert_eq!(stats.detached, round);
    }
}

#[test]
fn ten_thousand_panics_poison_nothing() {
    static TURN: AtomicU64 = AtomicU64::new(0);
    counted!(Page, TALLY, new = Page::new, reset = Page::reset, retain = Page::retain, max_idle = 20);
    impl Page {
        fn new() -> Self {
            turn();
            Self(TALLY.make())
        }
        fn reset(&mut self) {
            turn();
        }
        fn retain(&self) -> bool {
            turn();
            true
        }
    }
    fn turn() {
        if TURN.fetch_add(1, Relaxed).is_multiple_of(3) {
            fail();
        }
    }

    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2500 {
                    let Ok(page) = catch_unwind(Page::acquire) else { continue };
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(page)));
                }
            });
        }
    });
    TALLY.check(&Page::pool().stats(), 0, 0);
    Page::pool().collect();
    assert_eq!(TALLY.alive(), 0);
    let stats = Page::pool().stats();
    assert!(stats.dropped.panic > 1000, "{stats:?}");
}
