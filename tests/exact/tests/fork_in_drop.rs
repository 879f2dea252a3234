//! A fork while objects of the parent are being dropped or weighed: they are not the child's, which has the room in its pools that they took
//! up. In a binary of its own: the pools have a `Drop` that waits, and no other test may clear them.
//!
//! A child does nothing but use pools and leave, as in `fork.rs`.
#![cfg(target_os = "linux")]

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use pool_runtime::Pooled;
use tests::forked::{begin, end};

/// What a thread of the parent was about to drop takes up no room in the child, which is never told of its end.
#[test]
fn a_child_has_room_for_as_much_as_its_parent() {
    static IN_DROP: AtomicBool = AtomicBool::new(false);
    static MAY_END: AtomicBool = AtomicBool::new(false);

    #[derive(Default, Pooled)]
    #[pooled(max_idle = 64)]
    struct Slow(u64);

    impl Drop for Slow {
        fn drop(&mut self) {
            IN_DROP.store(true, Relaxed);
            while !MAY_END.load(Relaxed) {
                thread::yield_now();
            }
        }
    }

    /// Before any sweep in the child, and after a sweep of its own.
    fn life() -> i32 {
        MAY_END.store(true, Relaxed);
        for status in 2..4 {
            drop((0..64).map(|_| Slow::acquire()).collect::<Vec<_>>());
            if Slow::pool().idle() < 60 {
                return status;
            }
            Slow::pool().collect();
        }
        if Slow::prefill(100) == 64 { 0 } else { 4 }
    }

    assert_eq!(Slow::prefill(64), 64);
    let sweep = thread::spawn(|| Slow::pool().collect());
    while !IN_DROP.load(Relaxed) {
        thread::yield_now();
    }
    let ended = end(begin(life));
    MAY_END.store(true, Relaxed);
    sweep.join().expect("no panic");
    assert_eq!(ended, Ok(()));
    assert_eq!(Slow::prefill(100), 64);
}

/// The thread that forks is itself in a sweep, and goes on with it on both sides.
#[test]
fn a_fork_in_a_drop_gives_no_room_twice() {
    static CHILD: Mutex<Option<libc::pid_t>> = Mutex::new(None);

    #[derive(Default, Pooled)]
    #[pooled(max_idle = 64)]
    struct Forking(u64);

    impl Drop for Forking {
        fn drop(&mut self) {
            let Ok(mut child) = CHILD.try_lock() else { return };
            if child.is_none() {
                *child = Some(begin(|| {
                    // What it was about to drop is written off here, and then dropped.
                    if Forking::prefill(100) != 64 { 2 } else { 0 }
                }));
            }
        }
    }

    assert_eq!(Forking::prefill(64), 64);
    Forking::pool().collect();
    let child = CHILD.lock().expect("no panic").take().expect("a `Drop` has forked");
    assert_eq!(end(child), Ok(()));
    assert_eq!(Forking::prefill(100), 64);
}

/// A library that is unloaded after this would be gone under the other thread.
#[test]
fn in_a_child_too_leave_waits_for_drops() {
    static IN_DROP: AtomicBool = AtomicBool::new(false);
    static DROPPED: AtomicBool = AtomicBool::new(false);

    #[derive(Default, Pooled)]
    #[pooled(max_idle = 64)]
    struct Late(u64);

    impl Drop for Late {
        fn drop(&mut self) {
            IN_DROP.store(true, Relaxed);
            // Longer than a sweep in a child waits for a lock.
            thread::sleep(Duration::from_millis(300));
            DROPPED.store(true, Relaxed);
        }
    }

    fn life() -> i32 {
        Late::prefill(1);
        let sweep = thread::spawn(|| Late::pool().collect());
        while !IN_DROP.load(Relaxed) {
            thread::yield_now();
        }
        if Late::pool().leave().is_err() {
            return 2;
        }
        if !DROPPED.load(Relaxed) {
            return 3;
        }
        sweep.join().map_or(4, |()| 0)
    }

    drop(Late::adopt_box(Box::default()));
    let ended = end(begin(life));
    assert_eq!(ended, Ok(()));
}

/// What a thread of the parent has taken out to weigh it is lost to the child. It was idle there for ever, until the child's first sweep.
#[test]
fn what_is_being_weighed_is_not_idle_in_a_child() {
    static IN_WEIGH: AtomicBool = AtomicBool::new(false);
    static MAY_END: AtomicBool = AtomicBool::new(false);

    #[derive(Default, Pooled)]
    #[pooled(max_idle = 64, weigh = Weighed::weight)]
    struct Weighed(u64);

    impl Weighed {
        fn weight(&self) -> usize {
            IN_WEIGH.store(true, Relaxed);
            while !MAY_END.load(Relaxed) {
                thread::yield_now();
            }
            1
        }
    }

    /// A batch of 32 was on the scales.
    fn life() -> i32 {
        MAY_END.store(true, Relaxed);
        let pool = Weighed::pool();
        let Some(settled) = pool.settled_stats() else { return 2 };
        if settled != pool.stats() || (settled.idle, settled.victims, settled.in_use) != (32, 32, 32) {
            return 3;
        }
        if (0..33).filter_map(|_| Weighed::try_acquire()).collect::<Vec<_>>().len() != 32 {
            return 4;
        }
        pool.collect();
        let stats = pool.stats();
        if (stats.idle, stats.in_use, stats.dropped.collect) == (0, 0, 64) { 0 } else { 6 }
    }

    assert_eq!(Weighed::prefill(64), 64);
    let step = thread::spawn(|| Weighed::pool().age());
    while !IN_WEIGH.load(Relaxed) {
        thread::yield_now();
    }
    let settled = Weighed::pool().settled_stats();
    let ended = end(begin(life));
    MAY_END.store(true, Relaxed);
    step.join().expect("no panic");
    assert_eq!(ended, Ok(()));
    // Here they are idle all the while.
    let settled = settled.expect("no thread makes or drops one");
    assert_eq!((settled.idle, settled.in_use), (64, 0));
}
