//! The thread that gives memory back by itself.
//!
//! A process has one collector, and it ages all pools, so the tests take turns. What is there on Linux alone is in
//! `pressure`.

use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use pool_runtime::collector::StartError;
use pool_runtime::{Collector, Pooled};
use tests::collector::{HOUR, SHORT, every, threads, wait_until};
use tests::counted;
use tests::guards::hold;
use tests::turn::turn;

/// A thread that has been joined is in the kernel's list for a moment more.
#[track_caller]
fn wait_until_it_is_gone() {
    wait_until("the thread is gone", || threads().is_empty());
}

#[test]
fn an_interval_of_zero_is_an_error() {
    let _turn = turn();
    let error = Collector::builder().interval(Duration::ZERO).start().expect_err("it would never sleep");
    assert!(matches!(error, StartError::ZeroInterval));
    assert_eq!(error.to_string(), "the collector's interval is zero: write one that is longer");
    // And it does not stand in the way.
    drop(every(HOUR));
}

#[test]
fn a_second_collector_is_an_error_until_the_first_is_dropped() {
    let _turn = turn();
    for _ in 0..3 {
        let first = every(HOUR);
        let error = Collector::builder().start().expect_err("one is running");
        assert!(matches!(error, StartError::Running));
        assert_eq!(error.to_string(), "a collector is running already: a process has one at a time");
        drop(first);
    }
    // Of many that start at once, one is started.
    let started: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| Collector::builder().interval(HOUR).start())).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(started.iter().filter(|result| result.is_ok()).count(), 1);
}

/// Objects are dropped on the thread of that name, and not before they have been idle for a whole interval.
#[test]
fn what_stays_idle_for_an_interval_is_dropped() {
    static DROPPED: Mutex<Vec<(Duration, Option<String>)>> = Mutex::new(Vec::new());
    #[derive(Default, Pooled)]
    struct Page(#[pooled(keep)] Option<Instant>);
    impl Drop for Page {
        fn drop(&mut self) {
            let age = self.0.expect("it was used").elapsed();
            DROPPED.lock().expect("no panic").push((age, thread::current().name().map(str::to_owned)));
        }
    }

    let _turn = turn();
    const INTERVAL: Duration = Duration::from_millis(100);
    let collector = every(INTERVAL);
    let mut used = hold::<Page>(10);
    used.iter_mut().for_each(|page| page.0 = Some(Instant::now()));
    drop(used);
    wait_until("all are dropped", || DROPPED.lock().expect("no panic").len() == 10);
    for (age, thread) in DROPPED.lock().expect("no panic").drain(..) {
        assert!(age >= INTERVAL, "dropped after {age:?}");
        assert_eq!(thread.as_deref(), Some("pool-collector"));
    }
    let stats = Page::pool().stats();
    assert_eq!((stats.dropped.age, stats.idle), (10, 0));
    drop(collector);
}

/// The alarm comes through whatever the interval, and nothing is aged after it.
#[test]
fn dropping_the_handle_stops_it() {
    counted!(Page, TALLY);

    let _turn = turn();
    for interval in [Duration::MAX, HOUR, SHORT, Duration::from_nanos(1)] {
        let collector = every(interval);
        drop(hold::<Page>(3));
        let start = Instant::now();
        drop(collector);
        assert!(start.elapsed() < Duration::from_secs(10), "it took {:?}", start.elapsed());
        wait_until_it_is_gone();
        drop(hold::<Page>(3));
        let idle = Page::pool().idle();
        thread::sleep(5 * SHORT);
        assert_eq!(Page::pool().idle(), idle);
    }
}

#[test]
fn a_panicking_drop_does_not_end_it() {
    #[derive(Default, Pooled)]
    struct Bad(u8);
    impl Drop for Bad {
        fn drop(&mut self) {
            resume_unwind(Box::new("bad"));
        }
    }
    counted!(Good, TALLY);

    let _turn = turn();
    let collector = every(SHORT);
    for round in 1..=3 {
        drop(hold::<Bad>(5));
        drop(hold::<Good>(5));
        wait_until("both are aged", || Bad::pool().idle() == 0 && TALLY.alive() == 0);
        assert_eq!((Bad::pool().stats().dropped.age, Good::pool().stats().dropped.age), (5 * round, 5 * round));
    }
    drop(collector);
}

/// An object that is dropped by the collector has its last handle: the thread does not wait for itself.
#[test]
fn an_object_may_end_the_collector_that_drops_it() {
    static HANDLE: Mutex<Option<Collector>> = Mutex::new(None);
    static ENDED: AtomicU32 = AtomicU32::new(0);
    #[derive(Default, Pooled)]
    struct Last(u8);
    impl Drop for Last {
        fn drop(&mut self) {
            let handle = HANDLE.lock().expect("no panic").take();
            drop(handle);
            ENDED.fetch_add(1, Relaxed);
        }
    }

    let _turn = turn();
    *HANDLE.lock().expect("no panic") = Some(every(SHORT));
    drop(Last::acquire());
    wait_until("it is dropped", || ENDED.load(Relaxed) == 1);
    wait_until_it_is_gone();
    drop(every(HOUR));
}

#[test]
fn it_ages_while_the_pools_are_used() {
    counted!(Page, TALLY, max_idle = 100);

    let _turn = turn();
    let collector = every(Duration::from_millis(1));
    let until = Instant::now() + Duration::from_millis(300);
    thread::scope(|scope| {
        for held in 1..5 {
            scope.spawn(move || {
                while Instant::now() < until {
                    drop(hold::<Page>(held * 10));
                }
            });
        }
    });
    wait_until("all are dropped", || TALLY.alive() == 0);
    drop(collector);
    TALLY.check(&Page::pool().stats(), 0, 0);
}
