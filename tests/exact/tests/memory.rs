//! What the pool does with memory, seen from the allocator: in a binary of its own, where each allocation is counted.
//! They take turns, since the numbers are those of the process.

use std::sync::Barrier;
use std::thread;

use pool_runtime::{Guard, Pooled};
use tests::allocator::{Counting, calls as allocator_calls, live};
use tests::cpu;
use tests::turn::turn;

#[global_allocator]
static COUNTING: Counting = Counting;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// Ten of them fit into the address space, also of 32 bits.
const GIANT: usize = if usize::BITS < 64 { 64 } else { 256 } * MIB;

/// Asserts that no more than `bytes` came since `before`; what the harness and the tables of a pool take is in it.
#[track_caller]
fn assert_grown_by_at_most(bytes: usize, before: isize) {
    let grown = live() - before;
    assert!(grown <= bytes as isize, "{grown} bytes more than before");
}

/// golang/go#23199: 256 MiB once in a while, 1 KiB for ever.
#[test]
fn a_veto_by_capacity_keeps_giants_out() {
    #[derive(Default, Pooled)]
    #[pooled(retain = |page| page.bytes.capacity() <= 64 * KIB, max_idle = 100)]
    struct Page {
        bytes: Vec<u8>,
    }

    let _turn = turn();
    cpu::pin();
    let before = live();
    for round in 1..=3 {
        // Held at the same time, and never written to: this is address space, not memory.
        let mut giants: Vec<_> = (0..10).map(|_| Page::acquire()).collect();
        giants.iter_mut().for_each(|giant| giant.bytes.reserve_exact(GIANT));
        assert!(live() - before > (9 * GIANT) as isize, "ten are held at once");
        drop(giants);
        assert_eq!((Page::pool().stats().dropped.retain, Page::pool().idle()), (10 * round, 0));
        assert_grown_by_at_most(64 * MIB, before);
        for _ in 0..1000 {
            Page::acquire().bytes.resize(KIB, 1);
        }
        assert_eq!(Page::pool().idle(), 1);
        assert_grown_by_at_most(64 * MIB, before);
        Page::pool().collect();
    }
}

/// rust-lang/regex#1214: a burst of 128 threads leaves nothing behind for good.
#[test]
fn a_burst_of_threads_gives_its_memory_back() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000)]
    struct Page {
        bytes: Vec<u8>,
    }

    let burst = || {
        let all = Barrier::new(128);
        thread::scope(|scope| {
            for _ in 0..128 {
                scope.spawn(|| {
                    let mut page = Page::acquire();
                    page.bytes.reserve_exact(MIB);
                    all.wait();
                });
            }
        });
    };
    let _turn = turn();
    let before = live();
    burst();
    assert!(live() - before >= 64 * MIB as isize, "the pool kept what it may");
    Page::pool().age();
    Page::pool().age();
    assert_eq!(Page::pool().idle(), 0);
    assert_grown_by_at_most(4 * MIB, before);
    burst();
    Page::pool().collect();
    assert_grown_by_at_most(4 * MIB, before);
    burst();
    Page::pool().set_max_idle(0);
    assert_grown_by_at_most(4 * MIB, before);
}

/// The bound is a promise about memory, too.
#[test]
fn the_bound_limits_what_a_burst_leaves() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 16)]
    struct Page {
        bytes: Vec<u8>,
    }

    let _turn = turn();
    let before = live();
    let all = Barrier::new(64);
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut page = Page::acquire();
                page.bytes.reserve_exact(MIB);
                all.wait();
            });
        }
    });
    assert_grown_by_at_most(16 * MIB + 4 * MIB, before);
    Page::pool().collect();
    assert_grown_by_at_most(4 * MIB, before);
}

/// Sweeps, growth and shrinkage of a pool leave nothing behind.
#[test]
fn nothing_leaks_over_many_sweeps() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000)]
    struct Page {
        bytes: Vec<u8>,
    }
    let rounds = |n: usize| {
        for round in 0..n {
            let mut held: Vec<_> = (0..200).map(|_| Page::acquire()).collect();
            held.iter_mut().for_each(|page| page.bytes.resize(100, 1));
            drop(held);
            match round % 5 {
                0 => Page::pool().age(),
                1 => Page::pool().collect(),
                2 => {
                    Page::pool().set_max_idle(10);
                    Page::pool().set_max_idle(1000);
                }
                3 => pool_runtime::age(),
                _ => pool_runtime::collect(),
            }
        }
        Page::pool().collect();
    };

    let _turn = turn();
    cpu::pin();
    rounds(10);
    let before = live();
    rounds(1000);
    // The harness may start a test meanwhile. Twenty bytes in each round would be more.
    assert_grown_by_at_most(16 * KIB, before);
}

/// Fills a pool with 100,000 small objects: the lists that hold them are a large part of the memory.
fn assert_gives_back_the_lists<T: Pooled>(sweep: fn()) {
    let _turn = turn();
    cpu::pin();
    drop(T::acquire());
    T::pool().collect();
    let before = live();
    drop((0..100_000).map(|_| T::acquire()).collect::<Vec<_>>());
    assert!(live() - before > (100_000 * size_of::<*const T>()) as isize);
    sweep();
    assert_eq!(T::pool().idle(), 0);
    assert_grown_by_at_most(16 * KIB, before);
}

#[test]
fn a_collect_gives_back_the_lists() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 10_000_000)]
    struct Page(u8);

    assert_gives_back_the_lists::<Page>(|| Page::pool().collect());
}

#[test]
fn ageing_gives_back_the_lists() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 10_000_000)]
    struct Page(u8);

    assert_gives_back_the_lists::<Page>(|| (0..2).for_each(|_| Page::pool().age()));
}

#[test]
fn a_lower_bound_gives_back_the_lists() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 10_000_000)]
    struct Page(u8);

    assert_gives_back_the_lists::<Page>(|| Page::pool().set_max_idle(0));
}

/// What is idle costs the allocator nothing, neither on the way out nor on the way in.
#[test]
fn hits_do_not_allocate() {
    #[derive(Pooled)]
    #[pooled(new = || Page { bytes: Vec::with_capacity(KIB), text: String::new() }, max_idle = 1000)]
    struct Page {
        bytes: Vec<u8>,
        text: String,
    }

    let _turn = turn();
    cpu::pin();
    let use_it = |page: &mut Page| {
        page.bytes.resize(KIB, 1);
        page.text.push_str("some text");
    };
    for held_at_once in [1, 2, 10, 100] {
        let mut held: Vec<Guard<Page>> = Vec::with_capacity(held_at_once);
        let mut round = || {
            held.extend((0..held_at_once).map(|_| Page::acquire()));
            held.iter_mut().for_each(|page| use_it(page));
            held.clear();
        };
        // Until every list has the size that it needs.
        (0..100).for_each(|_| round());
        let before = allocator_calls();
        (0..100).for_each(|_| round());
        assert_eq!(allocator_calls() - before, 0, "calls of the allocator, with {held_at_once} held");
    }
}

/// `adopt` allocates the box and no more, and `into_box` gives it out as it is.
#[test]
fn a_box_is_allocated_once() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000)]
    struct Page([u64; 8]);

    let _turn = turn();
    cpu::pin();
    drop(Page::acquire());
    Page::pool().collect();
    let calls = |part: &dyn Fn()| {
        let before = allocator_calls();
        part();
        allocator_calls() - before
    };
    drop(Page::adopt(Page::default()));
    Page::pool().collect();
    let mut boxed = None;
    let before = allocator_calls();
    boxed.replace(Guard::into_box(Page::adopt(Page::default())));
    assert_eq!(allocator_calls() - before, 1);
    drop(boxed);
    assert_eq!(calls(&|| Guard::discard(Page::acquire())), 2, "one for the box and one for its end");
    assert_eq!(
        calls(&|| {
            let _page = Guard::into_inner(Page::acquire());
        }),
        2
    );
    assert_eq!(calls(&|| assert!(Page::try_acquire().is_none())), 0);
}
