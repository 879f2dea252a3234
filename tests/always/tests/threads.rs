//! Threads that end: with guards in their thread-locals, while their objects are elsewhere, by the thousand. zeropool
//! aborts here and sharded-slab panics.
//!
//! They take turns: they collect the pools of the whole process, and a collection counts what it is about to drop.

use std::cell::{Cell, RefCell};
use std::sync::Barrier;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;
use std::thread;

use pool_runtime::{Guard, Pooled};
use tests::counted;
use tests::counted::{Counted, Tally};
use tests::turn::turn;
use tests::watchdog::within_a_minute;

/// Everything that a destructor may want of a pool.
fn use_pool<T: Pooled>() {
    let held: Vec<_> = (0..3).map(|_| T::acquire()).collect();
    let _ = T::try_acquire();
    drop(held);
    Guard::discard(T::acquire());
    drop(Guard::into_inner(T::acquire()));
    T::prefill(2);
    T::pool().age();
    T::pool().collect();
    pool_runtime::age();
    pool_runtime::collect();
    let _ = (T::pool().stats(), T::pool().idle(), pool_runtime::registry::stats());
    drop(T::acquire());
}

#[test]
fn a_guard_in_a_thread_local_goes_back_at_the_end_of_the_thread() {
    let _turn = turn();
    counted!(Page, TALLY, max_idle = 10);
    thread_local! {
        static KEPT: RefCell<Vec<Guard<Page>>> = const { RefCell::new(Vec::new()) };
    }

    for round in 1..=20 {
        within_a_minute("a thread with a guard in a thread-local", move || {
            if round % 2 == 0 {
                // The runtime's own thread-locals are then older than ours.
                drop(Page::acquire());
            }
            KEPT.with_borrow_mut(|kept| kept.extend((0..3).map(|_| Page::acquire())));
        });
        let stats = Page::pool().stats();
        TALLY.check(&stats, 0, 0);
    }
}

/// Of a thread that panicked, too: it no longer unwinds as its thread-locals are dropped.
#[test]
fn a_guard_in_a_thread_local_of_a_thread_that_panicked_is_let_go() {
    let _turn = turn();
    counted!(Page, TALLY, max_idle = 10);
    thread_local! {
        static KEPT: RefCell<Option<Guard<Page>>> = const { RefCell::new(None) };
    }

    for _ in 0..20 {
        let thread = thread::spawn(|| {
            KEPT.set(Some(Page::acquire()));
            let _also = Page::acquire();
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(thread.join().is_err());
        TALLY.check(&Page::pool().stats(), 0, 0);
    }
}

static USES: AtomicU64 = AtomicU64::new(0);

struct UsesPool<T: Pooled>(std::marker::PhantomData<fn() -> T>);

impl<T: Pooled> UsesPool<T> {
    const fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T: Pooled> Drop for UsesPool<T> {
    fn drop(&mut self) {
        use_pool::<T>();
        USES.fetch_add(1, Relaxed);
    }
}

/// In destructors that run before the runtime's thread-locals are gone, and in those that run after.
#[test]
fn a_pool_works_in_thread_local_destructors() {
    let _turn = turn();
    counted!(Page, TALLY, max_idle = 10);
    thread_local! {
        static FIRST: UsesPool<Page> = const { UsesPool::new() };
        static SECOND: UsesPool<Page> = const { UsesPool::new() };
        /// Made anew by the destructor of another.
        static LATE: UsesPool<Page> = const { UsesPool::new() };
        static OPENS_LATE: OpensLate = const { OpensLate };
    }
    struct OpensLate;
    impl Drop for OpensLate {
        fn drop(&mut self) {
            LATE.with(|_| {});
        }
    }

    for round in 0..20 {
        let before = USES.load(Relaxed);
        within_a_minute("destructors that use a pool", move || {
            FIRST.with(|_| {});
            OPENS_LATE.with(|_| {});
            // In some threads the destructors are the first who use it.
            if round % 2 == 0 {
                use_pool::<Page>();
            }
            SECOND.with(|_| {});
        });
        assert_eq!(USES.load(Relaxed) - before, 3, "each destructor ran to its end");
        Page::pool().collect();
        TALLY.check(&Page::pool().stats(), 0, 0);
        assert_eq!(TALLY.alive(), 0);
    }
}

/// POSIX's own thread-locals are destroyed when those of Rust are gone.
#[cfg(unix)]
#[test]
fn a_pool_works_in_the_destructor_of_a_posix_key() {
    let _turn = turn();
    counted!(Page, TALLY, max_idle = 10);
    static DESTROYED: AtomicU64 = AtomicU64::new(0);
    extern "C" fn destroy(value: *mut libc::c_void) {
        // SAFETY: set below, from `Box::into_raw`, and destroyed once.
        let kept = unsafe { Box::from_raw(value.cast::<Guard<Page>>()) };
        use_pool::<Page>();
        drop(kept);
        use_pool::<Page>();
        DESTROYED.fetch_add(1, Relaxed);
    }

    let mut key = 0;
    // SAFETY: `key` is a place for it.
    assert_eq!(unsafe { libc::pthread_key_create(&mut key, Some(destroy)) }, 0);
    for round in 1..=20 {
        within_a_minute("a destructor of a POSIX key", move || {
            let kept = Box::into_raw(Box::new(Page::acquire()));
            // SAFETY: `key` is one, and the value is what its destructor expects.
            assert_eq!(unsafe { libc::pthread_setspecific(key, kept.cast()) }, 0);
        });
        assert_eq!(DESTROYED.load(Relaxed), round);
        Page::pool().collect();
        TALLY.check(&Page::pool().stats(), 0, 0);
        assert_eq!(TALLY.alive(), 0);
    }
}

/// Netty: the thread that acquired is gone when another releases.
#[test]
fn a_thread_may_end_while_its_object_is_elsewhere() {
    let _turn = turn();
    counted!(Page, TALLY, max_idle = 10);
    for _ in 0..50 {
        let held: Vec<_> = (0..4).map(|_| thread::spawn(Page::acquire)).collect();
        let held: Vec<_> = held.into_iter().map(|thread| thread.join().expect("it acquires")).collect();
        for page in &held {
            page.0.assert_alive();
        }
        TALLY.check(&Page::pool().stats(), 4, 0);
        drop(held);
        assert!(TALLY.alive() <= 10);
    }
    Page::pool().collect();
    TALLY.check(&Page::pool().stats(), 0, 0);
    assert_eq!(TALLY.alive(), 0);
}

/// regex-automata: each guard goes to a thread that did not take it, in a ring of threads.
#[test]
fn guards_go_round_a_ring_of_threads() {
    let _turn = turn();
    const THREADS: usize = 8;
    const ROUNDS: u64 = if cfg!(debug_assertions) { 2_000 } else { 50_000 };
    static TALLY: Tally = Tally::new();
    #[derive(Pooled)]
    #[pooled(new = || Page(TALLY.make(), 0), max_idle = 10)]
    struct Page(Counted, u64);

    let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| channel::<(u64, Guard<Page>)>()).unzip();
    thread::scope(|scope| {
        for (thread, receiver) in receivers.into_iter().enumerate() {
            let next = senders[(thread + 1) % THREADS].clone();
            scope.spawn(move || {
                for round in 1..=ROUNDS {
                    let mut page = Page::acquire();
                    assert_eq!(page.1, 0, "dirty");
                    page.1 = round;
                    next.send((round, page)).expect("the next one is there");
                    let (round, page) = receiver.recv().expect("the one before is there");
                    page.0.assert_alive();
                    assert_eq!(page.1, round);
                }
            });
        }
    });
    drop(senders);
    TALLY.check(&Page::pool().stats(), 0, 0);
    Page::pool().collect();
    assert_eq!(TALLY.alive(), 0);
}

/// sharded-slab has 4,096 threads' worth of room, tracing has 4,096 and panics.
#[test]
fn ten_thousand_threads_two_thousand_at_once() {
    let _turn = turn();
    const AT_ONCE: usize = if cfg!(debug_assertions) { 500 } else { 2_000 };
    const WAVES: usize = 5;
    static TALLY: Tally = Tally::new();
    #[derive(Pooled)]
    #[pooled(new = || Page(TALLY.make(), Cell::new(0)), max_idle = 100)]
    struct Page(
        #[allow(dead_code, reason = "it is there to be dropped")] Counted,
        #[pooled(with = |thread| thread.set(0))] Cell<usize>,
    );

    for _ in 0..WAVES {
        let all = Barrier::new(AT_ONCE);
        thread::scope(|scope| {
            for thread in 1..=AT_ONCE {
                let all = &all;
                let use_pool = move || {
                    let page = Page::acquire();
                    assert_eq!(page.1.replace(thread), 0, "dirty");
                    // All are alive here, and each holds one.
                    all.wait();
                    assert_eq!(page.1.get(), thread);
                    drop(page);
                    drop((Page::acquire(), Page::acquire()));
                };
                thread::Builder::new().stack_size(64 << 10).spawn_scoped(scope, use_pool).expect("room for it");
            }
        });
        let stats = Page::pool().stats();
        TALLY.check(&stats, 0, 0);
        assert!(stats.idle <= 100);
    }
    Page::pool().collect();
    TALLY.check(&Page::pool().stats(), 0, 0);
    assert_eq!(TALLY.alive(), 0);
}
