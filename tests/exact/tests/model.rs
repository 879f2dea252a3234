//! Operations in a random order, on one thread: a model says what each must do. A failure names its
//! seed.

use std::collections::VecDeque;

use pool_runtime::{Guard, Pooled};
use tests::counted::{Counted, Tally};
use tests::cpu;
use tests::operation::Op::{
    Acquire, Adopt, Age, Collect, Discard, IntoBox, IntoInner, Prefill, Release, ReleaseHalf, SetMaxIdle, TryAcquire,
    Unwind,
};
use tests::operation::{MOST, OPS};
use tests::random::Random;

/// On one thread, at one slot: every step is compared with what the documentation says of it.
#[test]
fn one_thread_agrees_with_the_model() {
    static TALLY: Tally = Tally::new();
    #[derive(Pooled)]
    #[pooled(new = || Page(TALLY.make(), false))]
    struct Page(#[allow(dead_code, reason = "it is there to be dropped")] Counted, bool);

    const SEEDS: u64 = if cfg!(debug_assertions) { 100 } else { 1000 };
    cpu::pin();
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let mut held: VecDeque<Guard<Page>> = VecDeque::new();
        for step in 0..300 {
            let op = OPS[random.below(OPS.len())];
            let before = Page::pool().stats();
            let bound = Page::pool().max_idle();
            let mut expected = before.clone();
            // What may have been kept, or dropped because the bound was reached.
            let mut released = 0;
            match op {
                Acquire => {
                    let mut page = Page::acquire();
                    assert!(!page.1, "seed {seed}, step {step}: dirty");
                    page.1 = true;
                    held.push_back(page);
                    expected.in_use += 1;
                    expected.created += u64::from(before.idle == 0);
                    expected.idle -= usize::from(before.idle != 0);
                }
                TryAcquire => {
                    let page = Page::try_acquire();
                    assert_eq!(page.is_some(), before.idle != 0, "seed {seed}, step {step}");
                    if let Some(mut page) = page {
                        assert!(!page.1, "seed {seed}, step {step}: dirty");
                        page.1 = true;
                        held.push_back(page);
                        expected.in_use += 1;
                        expected.idle -= 1;
                    }
                }
                Release => {
                    let page = if random.below(2) == 0 { held.pop_front() } else { held.pop_back() };
                    released = usize::from(page.is_some());
                }
                ReleaseHalf => {
                    released = held.len() / 2;
                    held.truncate(held.len() - released);
                }
                Discard => {
                    if let Some(page) = held.pop_back() {
                        Guard::discard(page);
                        expected.in_use -= 1;
                        expected.dropped.discard += 1;
                    }
                }
                IntoInner | IntoBox => {
                    if let Some(page) = held.pop_front() {
                        match op {
                            IntoInner => drop(Guard::into_inner(page)),
                            _ => drop(Guard::into_box(page)),
                        }
                        expected.in_use -= 1;
                        expected.detached += 1;
                    }
                }
                Adopt => {
                    held.push_back(Page::adopt(Page(TALLY.make(), true)));
                    expected.in_use += 1;
                    expected.adopted += 1;
                }
                Prefill => {
                    let n = random.below(10);
                    let made = Page::prefill(n);
                    assert!(made <= n);
                    expected.idle += made;
                    // The one that finds the bound reached may have been made by then.
                    let created = Page::pool().stats().created;
                    assert!((made..=made + 1).contains(&((created - before.created) as usize)));
                    expected.created = created;
                    expected.dropped.bound += created - before.created - made as u64;
                }
                Age => {
                    Page::pool().age();
                    expected.dropped.age += before.victims as u64;
                    expected.idle -= before.victims;
                    expected.victims = expected.idle;
                }
                Collect => {
                    Page::pool().collect();
                    expected.dropped.collect += before.idle as u64;
                    expected.idle = 0;
                }
                SetMaxIdle => {
                    let bound = random.below(MOST + 1);
                    Page::pool().set_max_idle(bound);
                    assert_eq!(Page::pool().max_idle(), bound);
                    let idle = Page::pool().idle();
                    assert!(idle <= before.idle, "seed {seed}, step {step}");
                    expected.dropped.collect += (before.idle - idle) as u64;
                    expected.idle = idle;
                    expected.max_idle = bound;
                }
                Unwind => {
                    if let Some(page) = held.pop_back() {
                        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                            let _page = page;
                            std::panic::resume_unwind(Box::new(()));
                        }));
                        assert!(unwound.is_err());
                        expected.in_use -= 1;
                        expected.dropped.panic += 1;
                    }
                }
            }
            let after = Page::pool().stats();
            let bound = if matches!(op, SetMaxIdle) { Page::pool().max_idle() } else { bound };
            assert!(after.idle <= bound, "seed {seed}, step {step}, {op:?}, {bound} allowed: {after:?}");
            if released != 0 {
                let kept = after.idle - before.idle;
                assert!(kept <= released, "seed {seed}, step {step}: {after:?}");
                expected.in_use -= released;
                expected.idle += kept;
                expected.dropped.bound += (released - kept) as u64;
            }
            // How objects are moved inside the pool is its own affair.
            expected.refills = after.refills;
            expected.flushes = after.flushes;
            expected.steals = after.steals;
            if !matches!(op, Age) {
                expected.victims = after.victims;
            }
            assert_eq!(after, expected, "seed {seed}, step {step}, {op:?} with {bound} allowed");
            TALLY.check(&after, held.len(), 0);
        }
        drop(held);
        Page::pool().collect();
        Page::pool().set_max_idle(MOST);
        TALLY.check(&Page::pool().stats(), 0, 0);
        assert_eq!(TALLY.alive(), 0, "seed {seed}");
    }
}
