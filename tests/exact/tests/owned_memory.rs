//! The memory of pools that are values: in a binary of its own, with one test, so that no other thread allocates.

use std::hint::black_box;

use pool_runtime::OwnedPool;
use tests::allocator::{Counting, live};
use tests::cpu;

#[global_allocator]
static COUNTING: Counting = Counting;

/// One pool, used by a burst, and gone before some of its guards.
fn one() {
    let pool = OwnedPool::new(|| [0_u64; 4]);
    drop(black_box([(); 4].map(|()| pool.acquire())));
    let held = [(); 4].map(|()| pool.acquire());
    drop(pool);
    drop(black_box(held));
}

#[test]
fn a_million_pools_take_the_memory_of_one() {
    one();
    let before = live();
    (0..if cfg!(debug_assertions) { 10_000 } else { 1_000_000 }).for_each(|_| one());
    // The thread may have other numbers by now than in the first pool, each with a slot. A byte for each pool would be more.
    let slots = 2 * cpu::allowed().len();
    let grown = live() - before;
    assert!(grown <= (slots * 1024) as isize, "{grown} bytes more");
}
