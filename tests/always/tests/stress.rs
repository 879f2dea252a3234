//! Many threads, nothing in two hands, nothing lost: TestPoolStress, .NET's ThreadingTest, tcmalloc's StressThreadTest.
//! These tests do not count what is reused; that each object is dropped once is checked on every backend.
//!
//! The tests of this file take turns: each uses every CPU, and they collect the pools of the whole process.

use std::sync::Barrier;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;

use pool_runtime::{Guard, Pooled};
use tests::counted::{Counted, Tally};
use tests::cpu;
use tests::random::Random;
use tests::turn::turn;

const ROUNDS: u64 = if cfg!(debug_assertions) { 30_000 } else { 1_000_000 };

/// What every thread does with the objects that it holds.
trait Marked: Pooled {
    fn page(&mut self) -> &mut Page;
}

struct Page {
    object: Counted,
    /// The thread and round that hold this object; 0 while none does.
    holder: AtomicU64,
    /// Plain memory, so that ThreadSanitizer and Miri see a holder that comes without a *happens before*.
    words: [u64; 4],
}

impl Page {
    fn new(tally: &'static Tally) -> Self {
        Self { object: tally.make(), holder: AtomicU64::new(0), words: [0; 4] }
    }

    fn take(&mut self, mark: u64) {
        self.object.assert_alive();
        let holder = self.holder.swap(mark, Relaxed);
        assert_eq!(holder, 0, "object {} is held by {holder:#x} and {mark:#x}", self.object.number);
        assert_eq!(self.words, [0; 4], "object {} was handed out before its reset", self.object.number);
        self.words = [mark; 4];
    }

    fn give_back(&mut self, mark: u64) {
        self.object.assert_alive();
        assert_eq!(self.words, [mark; 4], "another thread wrote to object {}", self.object.number);
        let holder = self.holder.swap(0, Relaxed);
        assert_eq!(holder, mark, "object {} is held twice", self.object.number);
    }
}

/// Declares a pooled type with a page and its tally.
macro_rules! marked {
    ($name:ident, $tally:ident, $($key:tt)*) => {
        static $tally: Tally = Tally::new();

        #[derive(Pooled)]
        #[pooled(new = || $name(Page::new(&$tally)), reset = |object: &mut $name| object.0.words = [0; 4], $($key)*)]
        struct $name(Page);

        impl Marked for $name {
            fn page(&mut self) -> &mut Page {
                &mut self.0
            }
        }
    };
}

/// Holds two objects at once, `rounds` times, and hands some to the pool otherwise than by a drop.
fn hold_two<T: Marked>(thread: u64, rounds: u64) {
    let take = |mark| {
        let mut object = T::acquire();
        object.page().take(mark);
        object
    };
    let give_back = |mut object: Guard<T>, mark| object.page().give_back(mark);
    for round in 0..rounds {
        let mark = (thread + 1) << 48 | round << 2;
        let first = take(mark | 1);
        let second = take(mark | 2);
        assert!(!std::ptr::eq(&*first, &*second));
        // The kernel should sometimes take the CPU away while two are held.
        if round % 1024 == 0 {
            thread::yield_now();
        }
        give_back(first, mark | 1);
        give_back(second, mark | 2);
    }
}

/// `threads` threads that hold two each, beside `meanwhile`, which is told when they have ended.
fn stress<T: Marked>(tally: &'static Tally, threads: usize, meanwhile: impl Fn(&[AtomicU64], &AtomicBool) + Sync) {
    let start = Barrier::new(threads + 1);
    let ended = AtomicBool::new(false);
    let ids: Vec<AtomicU64> = (0..threads).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (start, ids) = (&start, &ids);
                scope.spawn(move || {
                    ids[thread].store(cpu::thread_id() as u64, Relaxed);
                    start.wait();
                    hold_two::<T>(thread as u64, ROUNDS);
                })
            })
            .collect();
        let meanwhile = scope.spawn(|| {
            start.wait();
            meanwhile(&ids, &ended);
        });
        let results: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        ended.store(true, Relaxed);
        meanwhile.join().expect("the other thread does not panic");
        for result in results {
            result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
    let stats = T::pool().stats();
    tally.check(&stats, 0, 0);
    assert!(stats.idle <= T::pool().max_idle(), "{stats:?}");
    T::pool().collect();
    let stats = T::pool().stats();
    tally.check(&stats, 0, 0);
    assert_eq!((stats.idle, tally.alive()), (0, 0));
}

#[test]
fn ten_threads() {
    marked!(Object, TALLY, max_idle = 1000);
    let _turn = turn();
    stress::<Object>(&TALLY, 10, |_, _| {});
}

#[test]
fn six_threads_for_each_cpu() {
    marked!(Object, TALLY, max_idle = 1000);
    let _turn = turn();
    stress::<Object>(&TALLY, 6 * cpu::allowed().len(), |_, _| {});
}

/// Fewer places than objects: every release may find the bound reached, and nothing is private.
#[test]
fn with_a_bound_below_what_is_held() {
    marked!(Object, TALLY, max_idle = 3);
    let _turn = turn();
    stress::<Object>(&TALLY, 10, |_, _| {});
}

/// Every second release overflows the local stack.
#[test]
fn with_private_stacks_of_one() {
    marked!(Object, TALLY, max_idle = 1000, local = 1);
    let _turn = turn();
    stress::<Object>(&TALLY, 10, |_, _| {});
}

#[test]
fn while_a_thread_collects_and_ages() {
    marked!(Object, TALLY, max_idle = 1000);
    let _turn = turn();
    stress::<Object>(&TALLY, 10, |_, ended| {
        let mut random = Random::new(1);
        while !ended.load(Relaxed) {
            match random.below(4) {
                0 => pool_runtime::collect(),
                1 => pool_runtime::age(),
                2 => Object::pool().collect(),
                _ => Object::pool().age(),
            }
            if random.below(8) == 0 {
                thread::yield_now();
            }
        }
    });
}

/// Two sweeps of one pool at the same time.
#[test]
fn while_three_threads_collect_and_age() {
    marked!(Object, TALLY, max_idle = 100);
    let _turn = turn();
    stress::<Object>(&TALLY, 4, |_, ended| {
        thread::scope(|scope| {
            for seed in 0..3 {
                scope.spawn(move || {
                    let mut random = Random::new(seed);
                    while !ended.load(Relaxed) {
                        match random.below(3) {
                            0 => pool_runtime::collect(),
                            1 => Object::pool().collect(),
                            _ => Object::pool().age(),
                        }
                    }
                });
            }
        });
    });
}

#[test]
fn while_the_bound_changes() {
    marked!(Object, TALLY, max_idle = 40);
    let _turn = turn();
    stress::<Object>(&TALLY, 10, |_, ended| {
        let mut random = Random::new(2);
        while !ended.load(Relaxed) {
            Object::pool().set_max_idle(random.below(41));
            Object::prefill(random.below(5));
            if random.below(4) == 0 {
                thread::yield_now();
            }
        }
        Object::pool().set_max_idle(40);
    });
}

/// The threads are moved between the CPUs at points that they do not choose.
#[test]
fn while_the_affinity_changes() {
    marked!(Object, TALLY, max_idle = 1000);
    let _turn = turn();
    let cpus = cpu::allowed();
    stress::<Object>(&TALLY, 10, |ids, ended| {
        let mut random = Random::new(3);
        while !ended.load(Relaxed) {
            let thread = ids[random.below(ids.len())].load(Relaxed);
            cpu::pin_thread(thread as i32, cpus[random.below(cpus.len())]);
        }
    });
}

/// tcmalloc: all threads on one CPU in the middle of it is not a livelock.
#[test]
fn while_all_threads_are_on_one_cpu() {
    marked!(Object, TALLY, max_idle = 1000);
    let _turn = turn();
    let cpus = cpu::allowed();
    stress::<Object>(&TALLY, 10, |ids, ended| {
        while !ended.load(Relaxed) {
            for &cpu in &cpus {
                for thread in ids {
                    cpu::pin_thread(thread.load(Relaxed) as i32, cpu);
                }
                for _ in 0..1000 {
                    thread::yield_now();
                }
            }
        }
    });
}
