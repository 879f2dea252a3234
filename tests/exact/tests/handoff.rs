//! Objects that are acquired on one thread and released on another find their way back.
//!
//! How many objects that takes is the pool's affair; that it is not one for each hand-over is what is checked.

use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use pool_runtime::{Guard, Pooled};
use tests::counted;
use tests::cpu;

const ROUNDS: u64 = if cfg!(debug_assertions) { 20_000 } else { 200_000 };

/// A producer that never releases, and a consumer that never acquires, on CPUs of their own if there are two.
fn produce_and_consume<T: Pooled>(pinned: bool, batch: usize) {
    let cpus = cpu::allowed();
    let (send, receive) = sync_channel::<Vec<Guard<T>>>(4);
    thread::scope(|scope| {
        scope.spawn(|| {
            let send = send;
            if pinned {
                cpu::pin_to(cpus[0]);
            }
            for _ in 0..ROUNDS / batch as u64 {
                send.send((0..batch).map(|_| T::acquire()).collect()).expect("the consumer is there");
            }
        });
        scope.spawn(|| {
            if pinned {
                cpu::pin_to(cpus[cpus.len() - 1]);
            }
            for held in receive {
                drop(held);
            }
        });
    });
}

#[test]
fn objects_that_are_released_elsewhere_come_back() {
    counted!(Page, TALLY, max_idle = 1000);

    for (pinned, batch) in [(false, 1), (true, 1), (false, 64), (true, 64)] {
        let before = TALLY.made();
        produce_and_consume::<Page>(pinned, batch);
        let stats = Page::pool().stats();
        TALLY.check(&stats, 0, 0);
        let made = TALLY.made() - before;
        println!("batches of {batch}: {made} objects for {ROUNDS} hand-overs: {stats:?}");
        assert!(made < ROUNDS / 20, "{made} objects for {ROUNDS} hand-overs: {stats:?}");
        Page::pool().collect();
        assert_eq!(TALLY.alive(), 0);
    }
}

/// Netty: the bound holds under releases that come from elsewhere.
#[test]
fn releases_from_elsewhere_keep_the_bound() {
    counted!(Page, TALLY, max_idle = 20);

    produce_and_consume::<Page>(true, 64);
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    assert!(TALLY.alive() <= 20 && stats.idle >= 10, "{stats:?}");
}

/// What one thread has released, before it ended, another takes without `new`: all of it that is not private to the
/// CPU where that was.
#[test]
fn what_a_thread_leaves_behind_can_be_stolen() {
    counted!(Page, TALLY, max_idle = 1000, local = 8);

    let cpus = cpu::allowed();
    thread::spawn(move || {
        cpu::pin_to(cpus[0]);
        drop((0..100).map(|_| Page::acquire()).collect::<Vec<_>>());
    })
    .join()
    .expect("it releases");
    let cpus = cpu::allowed();
    cpu::pin_to(cpus[cpus.len() - 1]);
    let held: Vec<_> = (0..92).map(|_| Page::acquire()).collect();
    assert_eq!(TALLY.made(), 100, "{:?}", Page::pool().stats());
    drop(held);
    TALLY.check(&Page::pool().stats(), 0, 0);
    assert_eq!(Page::pool().idle(), 100);

    // And as victims, local stacks included.
    Page::pool().age();
    let held: Vec<_> = (0..100).map(|_| Page::acquire()).collect();
    assert_eq!(TALLY.made(), 100, "{:?}", Page::pool().stats());
    drop(held);
}

/// Without local stacks, each object is in reach of every thread: one object is enough for threads in turn.
#[test]
fn one_object_serves_threads_in_turn() {
    counted!(Page, TALLY, max_idle = 1);

    for _ in 0..200 {
        thread::spawn(|| drop(Page::acquire())).join().expect("it acquires");
    }
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    assert_eq!((stats.created, stats.idle, stats.dropped.total()), (1, 1, 0), "{stats:?}");
}

/// A guard may be sent anywhere and come back.
#[test]
fn a_guard_that_comes_back_is_the_same() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    let (there, elsewhere) = channel::<Guard<Page>>();
    let (back, here) = channel();
    let thread = thread::spawn(move || elsewhere.iter().for_each(|page| back.send(page).expect("somebody waits")));
    for _ in 0..100 {
        let page = Page::acquire();
        let address: *const Page = &*page;
        there.send(page).expect("the thread is there");
        let page = here.recv().expect("it sends back");
        assert!(std::ptr::eq(&*page, address));
    }
    drop(there);
    thread.join().expect("it ends");
    assert_eq!(TALLY.made(), 1);
}
