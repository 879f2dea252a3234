//! Operations in a random order, on several threads: the totals must be right afterwards, and the bound
//! must hold at all times. A failure names its seed. With exact reuse: `model`.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use pool_runtime::{Guard, Pooled};
use tests::counted;
use tests::counted::Tally;
use tests::operation::Op::{
    Acquire, Adopt, Age, Collect, Discard, IntoBox, IntoInner, Prefill, Release, ReleaseHalf, SetMaxIdle, TryAcquire,
    Unwind,
};
use tests::operation::{MOST, OPS};
use tests::random::Random;

/// What a thread that is not alone can know.
fn use_pool<T: Pooled>(seed: u64, tally: &Tally, adopt: fn() -> T) {
    let mut random = Random::new(seed);
    let mut held: VecDeque<Guard<T>> = VecDeque::new();
    for step in 0..if cfg!(debug_assertions) { 500 } else { 3000 } {
        let before = held.len();
        tally.may_hold(1);
        match OPS[random.below(OPS.len())] {
            Acquire => held.push_back(T::acquire()),
            TryAcquire => held.extend(T::try_acquire()),
            Release => drop(held.pop_front()),
            ReleaseHalf => held.truncate(held.len() / 2),
            Discard => drop(held.pop_back().map(Guard::discard)),
            IntoInner => drop(held.pop_front().map(Guard::into_inner)),
            IntoBox => drop(held.pop_front().map(Guard::into_box)),
            Adopt => held.push_back(T::adopt(adopt())),
            Prefill => {
                let n = random.below(10);
                assert!(T::prefill(n) <= n);
            }
            Age => T::pool().age(),
            Collect => T::pool().collect(),
            SetMaxIdle => T::pool().set_max_idle(random.below(MOST + 1)),
            Unwind => {
                let page = held.pop_back();
                let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    let _page = page;
                    std::panic::resume_unwind(Box::new(()));
                }));
                assert!(unwound.is_err());
            }
        }
        tally.holds(1, before, held.len());
        let idle = tally.idle_at_least();
        assert!(idle <= MOST, "seed {seed}, step {step}: {idle} idle");
    }
    let before = held.len();
    tally.may_hold(0);
    held.clear();
    tally.holds(0, before, 0);
}

#[test]
fn several_threads_lose_nothing_and_keep_the_bound() {
    counted!(Page, TALLY, max_idle = 40);

    const SEEDS: u64 = if cfg!(debug_assertions) { 20 } else { 100 };
    for seed in 0..SEEDS {
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|thread| scope.spawn(move || use_pool(seed * 4 + thread, &TALLY, || Page(TALLY.make()))))
                .collect();
            let observer = scope.spawn(|| {
                while !ended.load(Relaxed) {
                    let idle = TALLY.idle_at_least();
                    assert!(idle <= MOST, "seed {seed}: {idle} idle, {:?}", Page::pool().stats());
                }
            });
            let results: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
            ended.store(true, Relaxed);
            observer.join().expect("the bound holds for the observer");
            for result in results {
                result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        });
        let stats = Page::pool().stats();
        TALLY.check(&stats, 0, 0);
        assert_eq!(stats.idle, TALLY.idle_at_least(), "seed {seed}: {stats:?}");
        assert!(stats.idle <= Page::pool().max_idle(), "seed {seed}: {stats:?}");
        Page::pool().collect();
        TALLY.check(&Page::pool().stats(), 0, 0);
        assert_eq!(TALLY.alive(), 0, "seed {seed}");
    }
}
