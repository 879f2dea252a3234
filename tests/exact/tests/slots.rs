//! Which slot a thread has with restartable sequences: that of its concurrency id, or that of its CPU. Each test runs itself
//! again in a child process, which has no thread but those of the test.
#![cfg(target_os = "linux")]
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::{hint, thread};

use pool_runtime::{Backend, Guard, Pooled};
use tests::counted;
use tests::guards::hold;
use tests::{child, cpu, forked, sequences};

counted!(Page, TALLY, max_idle = 1000);

/// Runs the test `name` in a child for each way to number slots; `true` in the child.
fn is_child_with_each_number(name: &str) -> bool {
    if !child::is_child() {
        for backend in ["rseq", "rseq-cpu"] {
            child::run_and_pass(name, |child| child.env("POOL_BACKEND", backend));
        }
    }
    let here = child::is_child() && sequences::are_used();
    if child::is_child() && !here {
        println!("left out, the backend is {}", pool_runtime::backend());
    }
    here
}

/// Of this process, the harness's included.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux lists the threads").count()
}

/// rust-lang/regex#1389: on a machine with many CPUs, a thread that was on each of them left an object behind on each.
#[test]
fn a_thread_that_is_moved_takes_its_slot_along() {
    if !is_child_with_each_number("a_thread_that_is_moved_takes_its_slot_along") {
        return;
    }
    let cpus = cpu::allowed();
    for &cpu in cpus.iter().cycle().take(20 * cpus.len()) {
        cpu::pin_to(cpu);
        (0..100).for_each(|_| drop(Page::acquire()));
    }
    let most = if pool_runtime::backend() == Backend::Rseq { threads() } else { cpus.len() };
    let stats = Page::pool().stats();
    assert!((1..=most as u64).contains(&stats.created), "{most} at the most: {stats:?}");
    assert!(matches!(pool_runtime::backend(), Backend::Rseq) || stats.created == most as u64, "{stats:?}");
    TALLY.check(&stats, 0, 0);
}

/// Threads that are all on one CPU take turns in one slot, or have one each, but no more.
#[test]
fn there_are_no_more_slots_than_threads() {
    if !is_child_with_each_number("there_are_no_more_slots_than_threads") {
        return;
    }
    const THREADS: usize = 8;
    let cpus = &cpu::allowed();
    for _ in 0..20 {
        let all = &Barrier::new(THREADS);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || {
                    all.wait();
                    for step in 0..4 * cpus.len() {
                        cpu::pin_to(cpus[(step + thread) % cpus.len()]);
                        drop(Page::acquire());
                    }
                });
            }
        });
    }
    let stats = Page::pool().stats();
    println!("{}: {stats:?}", pool_runtime::backend());
    TALLY.check(&stats, 0, 0);
    let slots = if pool_runtime::backend() == Backend::Rseq { threads() + THREADS } else { cpus.len() };
    // One in each slot, and those that were brought there by a thread which was moved while it had one.
    assert!(stats.idle <= slots + THREADS, "{stats:?}");
}

/// What such a thread reads for an id is zero, which another thread has.
#[test]
fn a_thread_that_is_not_registered_leaves_local_stacks_alone() {
    if !is_child_with_each_number("a_thread_that_is_not_registered_leaves_local_stacks_alone") {
        return;
    }
    let not_registered = |work: fn()| {
        let work = move || {
            assert!(sequences::unregister());
            work();
        };
        thread::spawn(work).join().expect("it uses the pool");
    };
    // In the local stacks of all slots that there are.
    for cpu in cpu::allowed() {
        cpu::pin_to(cpu);
        drop(hold::<Page>(2));
    }
    let made = TALLY.made();
    not_registered(|| {
        assert!(Page::try_acquire().is_none(), "taken out of another thread's stack");
        drop(Page::acquire());
    });
    assert_eq!(TALLY.made(), made + 1);
    // What it has released is in a list, and others find it.
    not_registered(|| Guard::discard(Page::acquire()));
    assert_eq!((TALLY.made(), TALLY.dropped()), (made + 1, 1));
    TALLY.check(&Page::pool().stats(), 0, 0);
}

/// Nothing stays behind in slots that had a thread once: neither private nor shared.
#[test]
fn what_a_burst_of_threads_leaves_is_gone_after_two_intervals() {
    if !is_child_with_each_number("what_a_burst_of_threads_leaves_is_gone_after_two_intervals") {
        return;
    }
    let at_once = |threads: usize, objects: usize| {
        let all = &Barrier::new(threads);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(move || {
                    let held = hold::<Page>(objects);
                    all.wait();
                    drop(held);
                });
            }
        });
    };
    for _ in 0..10 {
        at_once(16, 20);
        let (burst, made) = (TALLY.alive(), TALLY.made());
        assert!(burst > 100, "{burst} alive");
        for _ in 0..2 {
            at_once(2, 3);
            Page::pool().age();
        }
        let (stats, made) = (Page::pool().stats(), TALLY.made() - made);
        // What the two have used, and what they made because the other had a list in its hands.
        assert!(TALLY.alive() <= 6 + made, "{} alive, {made} made, {burst} after the burst: {stats:?}", TALLY.alive());
        assert_eq!(stats.idle as u64, TALLY.alive());
        TALLY.check(&stats, 0, 0);
    }
}

/// Ids belong to the memory: a child has its own, from zero, whatever its parent's are, and finds what was idle.
#[test]
fn a_child_of_fork_begins_with_the_first_slots() {
    if !is_child_with_each_number("a_child_of_fork_begins_with_the_first_slots") {
        return;
    }
    drop(hold::<Page>(100));
    let (ready, done) = (&Barrier::new(2), &AtomicBool::new(false));
    thread::scope(|scope| {
        // Another thread runs meanwhile, so that this one's id is not the only one. It leaves the pool alone: the child would have a copy
        // of what it was at.
        scope.spawn(|| {
            drop(hold::<Page>(100));
            ready.wait();
            while !done.load(Relaxed) {
                hint::spin_loop();
            }
        });
        ready.wait();
        let ended = forked::end(forked::begin(|| {
            let before = Page::pool().stats();
            drop(hold::<Page>(50));
            let after = Page::pool().stats();
            let conserved = after.idle as u64 + after.in_use as u64 + after.dropped.total() == after.created;
            Page::pool().collect();
            let holds = conserved && after.created - before.created <= 50 && Page::pool().idle() == 0;
            if holds { 0 } else { 1 }
        }));
        done.store(true, Relaxed);
        assert_eq!(ended, Ok(()));
    });
    TALLY.check(&Page::pool().stats(), 0, 0);
}
