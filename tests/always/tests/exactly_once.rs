//! TestPoolDequeue and TestPoolChain: items through one owner and nine thieves, each exactly once. This test does not
//! count what is reused: an item that the pool drops is seen too, by its `Drop`.

use std::sync::Barrier;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use pool_runtime::{Guard, Pooled};

const ITEMS: usize = if cfg!(debug_assertions) { 200_000 } else { 2_000_000 };
const THIEVES: usize = 9;

/// How often each item was taken out, and how often it was dropped.
static TAKEN: [AtomicU8; ITEMS] = [const { AtomicU8::new(0) }; ITEMS];
static DROPPED: [AtomicU8; ITEMS] = [const { AtomicU8::new(0) }; ITEMS];

#[derive(Pooled)]
#[pooled(new = || unreachable!("`try_acquire` never creates"), max_idle = 2000)]
struct Item {
    #[pooled(keep)]
    number: usize,
    /// Says the number again, so that a half-written item is seen.
    #[pooled(keep)]
    again: usize,
}

impl Drop for Item {
    fn drop(&mut self) {
        assert_eq!(self.number, self.again);
        DROPPED[self.number].fetch_add(1, Relaxed);
    }
}

/// Takes an item out, if one is found.
fn take() -> bool {
    let Some(item) = Item::try_acquire() else { return false };
    let item = Guard::into_inner(item);
    TAKEN[item.number].fetch_add(1, Relaxed);
    true
}

#[test]
fn each_item_is_seen_once() {
    let left = AtomicU64::new(1);
    let start = Barrier::new(THIEVES + 1);
    let stolen: u64 = thread::scope(|scope| {
        let thieves: Vec<_> = (0..THIEVES)
            .map(|_| {
                scope.spawn(|| {
                    let mut stolen = 0;
                    start.wait();
                    while left.load(Relaxed) != 0 {
                        if take() {
                            stolen += 1;
                        } else {
                            thread::yield_now();
                        }
                    }
                    stolen
                })
            })
            .collect();
        start.wait();
        for number in 0..ITEMS {
            drop(Item::adopt(Item { number, again: number }));
            // The owner takes some itself, as Go's does.
            if number % 10 == 0 {
                take();
            }
            // Room for the next ones: the bound would drop most of them.
            while Item::pool().idle() > 1000 && !take() {
                thread::yield_now();
            }
        }
        left.store(0, Relaxed);
        thieves.into_iter().map(|thief| thief.join().expect("a thief does not panic")).sum()
    });

    let stats = Item::pool().stats();
    let taken: u64 = TAKEN.iter().map(|taken| u64::from(taken.load(Relaxed))).sum();
    println!("{stolen} of {ITEMS} stolen, {} taken by the owner: {stats:?}", taken - stolen);
    assert_eq!((stats.created, stats.adopted, stats.detached, stats.in_use), (0, ITEMS as u64, taken, 0));
    Item::pool().collect();
    let stats = Item::pool().stats();
    assert_eq!((stats.idle, stats.detached + stats.dropped.total()), (0, ITEMS as u64));
    for number in 0..ITEMS {
        let (taken, dropped) = (TAKEN[number].load(Relaxed), DROPPED[number].load(Relaxed));
        assert!(taken <= 1, "item {number} was taken {taken} times");
        assert_eq!(dropped, 1, "drops of item {number}");
    }
}
