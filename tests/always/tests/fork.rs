//! The pool in a forked child, where a lock may be held by a thread that does not exist.
//!
//! A child does nothing but use pools and leave: no lock of the test harness, no output. What it finds wrong is its exit
//! status; a hang is ended by SIGALRM.
#![cfg(target_os = "linux")]

use std::sync::RwLock;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;

use pool_runtime::{Guard, OwnedPool, Pooled, registry};
use tests::forked::{begin, end};

/// Declares a pooled type that knows whether it is held.
macro_rules! page {
    ($name:ident) => {
        #[derive(Pooled)]
        #[pooled(new = || $name { holder: AtomicU64::new(0), bytes: Vec::new() }, max_idle = 100)]
        struct $name {
            #[pooled(keep)]
            holder: AtomicU64,
            bytes: Vec<u8>,
        }

        impl Page for $name {
            fn take(&mut self, mark: u64) -> bool {
                let fresh = self.holder.swap(mark, Relaxed) == 0 && self.bytes.is_empty();
                self.bytes.extend_from_slice(&mark.to_ne_bytes());
                fresh
            }

            fn give_back(&mut self, mark: u64) -> bool {
                self.bytes == mark.to_ne_bytes() && self.holder.swap(0, Relaxed) == mark
            }
        }
    };
}

/// Read by tests that sweep all pools, written by one that counts on no sweep.
static SWEEPS: RwLock<()> = RwLock::new(());

trait Page: Pooled {
    /// Whether no other thread holds it.
    fn take(&mut self, mark: u64) -> bool;
    /// Whether no other thread wrote to it.
    fn give_back(&mut self, mark: u64) -> bool;
}

/// Holds 20 at once, and whether none of them was anybody else's.
fn hold_twenty<T: Page>(mark: u64) -> bool {
    let mut held: Vec<Guard<T>> = (0..20).map(|_| T::acquire()).collect();
    let mut right = true;
    for (i, page) in held.iter_mut().enumerate() {
        right &= page.take(mark << 8 | i as u64 | 1 << 63);
    }
    for (i, page) in held.iter_mut().enumerate() {
        right &= page.give_back(mark << 8 | i as u64 | 1 << 63);
    }
    right
}

/// The child's life: 0 if all is right.
fn child<T: Page>() -> i32 {
    if !hold_twenty::<T>(1) {
        return 2;
    }
    T::pool().age();
    if !hold_twenty::<T>(2) {
        return 3;
    }
    T::pool().collect();
    registry::age();
    registry::collect();
    T::prefill(3);
    T::pool().set_max_idle(5);
    T::pool().set_max_idle(100);
    let _ = registry::stats();
    match (hold_twenty::<T>(3), T::pool().idle()) {
        (true, ..=100) => 0,
        _ => 4,
    }
}

fn in_child(life: fn() -> i32) -> Result<(), String> {
    end(begin(life))
}

#[test]
fn a_child_of_one_thread_works() {
    page!(Used);
    page!(Unused);

    for _ in 0..20 {
        assert!(hold_twenty::<Used>(7));
        assert_eq!(in_child(child::<Used>), Ok(()));
        // A pool that the child is the first to use.
        assert_eq!(in_child(child::<Unused>), Ok(()));
        // The parent's objects are its own.
        assert!(hold_twenty::<Used>(8));
        Used::pool().age();
    }
}

/// The child of a child has another thread of the same number.
#[test]
fn a_grandchild_works() {
    page!(Shared);

    assert!(hold_twenty::<Shared>(7));
    let life = || match (child::<Shared>(), in_child(child::<Shared>)) {
        (0, Ok(())) => child::<Shared>(),
        (0, Err(_)) => 6,
        (status, _) => status,
    };
    assert_eq!(in_child(life), Ok(()));
}

/// A guard that was acquired before the fork is released on both sides of it.
#[test]
fn a_guard_may_be_released_on_both_sides() {
    page!(Both);
    thread_local! {
        static HELD: std::cell::RefCell<Vec<Guard<Both>>> = const { std::cell::RefCell::new(Vec::new()) };
    }

    HELD.with_borrow_mut(|held| held.extend((0..10).map(|_| Both::acquire())));
    let life = || {
        HELD.take();
        child::<Both>()
    };
    assert_eq!(in_child(life), Ok(()));
    HELD.take();
    assert!(hold_twenty::<Both>(9));
    Both::pool().collect();
}

/// 200 forks, while other threads are anywhere in the pool's code.
#[test]
fn a_child_of_many_threads_works() {
    page!(Hammered);
    let _sweeps = SWEEPS.read();
    static ENDED: AtomicBool = AtomicBool::new(false);

    let hammers: Vec<_> = (0..4)
        .map(|thread| {
            thread::spawn(move || {
                let mut rounds = 0;
                while !ENDED.load(Relaxed) {
                    assert!(hold_twenty::<Hammered>(thread));
                    match thread {
                        0 => Hammered::pool().collect(),
                        1 => Hammered::pool().age(),
                        2 => registry::age(),
                        _ => Hammered::pool().set_max_idle(rounds % 100),
                    }
                    rounds += 1;
                }
                rounds
            })
        })
        .collect();
    // A child may spend its time with waiting, so some live at once.
    let mut failed = Vec::new();
    for _ in 0..25 {
        let children: Vec<_> = (0..8).map(|_| begin(child::<Hammered>)).collect();
        failed.extend(children.into_iter().filter_map(|child| end(child).err()));
    }
    ENDED.store(true, Relaxed);
    for hammer in hammers {
        assert!(hammer.join().expect("the parent's objects are its own") > 0);
    }
    assert_eq!(failed, Vec::<String>::new());
    Hammered::pool().collect();
    assert_eq!((Hammered::pool().idle(), Hammered::pool().stats().in_use), (0, 0));
}

/// What was in use at the fork is so in the child, too.
#[test]
fn a_child_has_a_settled_reading() {
    page!(Settled);
    thread_local! {
        static HELD: std::cell::RefCell<Vec<Guard<Settled>>> = const { std::cell::RefCell::new(Vec::new()) };
    }

    assert!(hold_twenty::<Settled>(7));
    HELD.with_borrow_mut(|held| held.extend((0..7).map(|_| Settled::acquire())));
    let life = || {
        let pool = Settled::pool();
        let in_use = || {
            let settled = pool.settled_stats()?;
            (settled == pool.stats()).then_some(settled.in_use)
        };
        let (before, one, two) = (in_use(), Settled::acquire(), in_use());
        HELD.take();
        let rest = in_use();
        drop(one);
        if [before, two, rest, in_use()] == [Some(7), Some(8), Some(1), Some(0)] { 0 } else { 2 }
    };
    assert_eq!(in_child(life), Ok(()));
    assert_eq!(Settled::pool().settled_stats().expect("no other thread uses it").in_use, 7);
    HELD.take();
}

/// A thread of the parent may have held a lock of the pool, and is not there to release it: then there is no reading. Else two threads held at most
/// 20 objects each. What a sweep has in its hands at the fork is in use in the child, so none is at work.
#[test]
fn a_settled_reading_in_a_child_of_many_threads_ends() {
    page!(Read);
    let _no_sweep = SWEEPS.write();
    static ENDED: AtomicBool = AtomicBool::new(false);

    let hammers: Vec<_> = (0..2)
        .map(|thread| {
            thread::spawn(move || {
                while !ENDED.load(Relaxed) {
                    assert!(hold_twenty::<Read>(thread));
                }
            })
        })
        .collect();
    let life = || {
        let pool = Read::pool();
        let first = pool.settled_stats();
        match (&first, pool.settled_stats()) {
            // No other thread uses it here.
            (first, again) if *first != again => 4,
            (None, _) => 3,
            (Some(stats), _) if stats.in_use <= 40 && stats.victims <= stats.idle && stats.idle <= 100 => 0,
            _ => 2,
        }
    };
    let mut unsettled = 0;
    for _ in 0..25 {
        for child in [(); 8].map(|()| begin(life)) {
            match end(child) {
                Ok(()) => {}
                Err(error) if error == "the child left with 3" => unsettled += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    ENDED.store(true, Relaxed);
    hammers.into_iter().for_each(|hammer| hammer.join().expect("the parent's objects are its own"));
    println!("{unsettled} of 200 children had no reading");
    assert!(unsettled < 200);
}

/// Threads of the child use the pool, too.
#[test]
fn a_child_may_have_threads() {
    page!(Threaded);

    assert!(hold_twenty::<Threaded>(7));
    let life = || {
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(child::<Threaded>)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(5)).max().unwrap_or(6)
    };
    for _ in 0..10 {
        assert_eq!(in_child(life), Ok(()));
    }
}

/// A pool that is a value, and the list of its kind's storages, wherever the threads of the parent are: the child uses it, drops it, and makes others.
#[test]
fn a_child_drops_a_pool_that_is_a_value() {
    let _sweeps = SWEEPS.read();
    let stop = AtomicBool::new(false);
    let pool: OwnedPool<Vec<u8>> = OwnedPool::new(Box::new(Vec::new));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    drop((0..50).map(|_| pool.acquire()).collect::<Vec<_>>());
                    let brief: OwnedPool<Vec<u8>> = OwnedPool::new(Box::new(Vec::new));
                    let held = brief.acquire();
                    drop(brief);
                    drop(held);
                }
            });
        }
        for _ in 0..10 {
            let life = || {
                drop((0..50).map(|_| pool.acquire()).collect::<Vec<_>>());
                let held = pool.acquire();
                // SAFETY: in the child no other thread has the pool, and the child leaves without a return to its owner.
                drop(unsafe { std::ptr::read(&pool) });
                drop(held);
                for _ in 0..100 {
                    let next: OwnedPool<Vec<u8>> = OwnedPool::new(Box::new(Vec::new));
                    let mut page = next.acquire();
                    if !page.is_empty() {
                        return 1;
                    }
                    page.push(1);
                }
                0
            };
            end(begin(std::panic::AssertUnwindSafe(life))).unwrap();
        }
        stop.store(true, Relaxed);
    });
}
