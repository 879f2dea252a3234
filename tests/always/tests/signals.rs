//! What a signal handler may do: acquire, try to, and release. It does so here a hundred thousand times, wherever the thread is in the
//! pool's code, on each backend.
//!
//! The allocator is one that a handler may call: a miss does, and a release may.
#![cfg(target_os = "linux")]

use std::cell::Cell;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use pool_runtime::{Guard, Pooled};
use tests::allocator::Bump;
use tests::child;
use tests::timer::{self, Timer};

#[global_allocator]
static BUMP: Bump = Bump;

/// So many signals have to be handled.
const SIGNALS: u64 = 100_000;

/// So many guards does a handler hold at once: more than a local stack has objects.
const HELD: usize = 12;

#[derive(Pooled)]
#[pooled(new = || Page { holder: AtomicU64::new(0), words: [0; 4] }, max_idle = 100_000, local = 8)]
struct Page {
    /// 0 while no thread holds the object.
    #[pooled(keep)]
    holder: AtomicU64,
    #[pooled(set = [0; 4])]
    words: [u64; 4],
}

static HANDLED: AtomicU64 = AtomicU64::new(0);
static TRIED: AtomicU64 = AtomicU64::new(0);
static FOUND: AtomicU64 = AtomicU64::new(0);
/// A handler has no panic to report with: what is wrong is counted.
static WRONG: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The next mark of this thread. Marks of threads differ in their lowest bits.
    static MARK: Cell<u64> = const { Cell::new(0) };
}

fn mark() -> u64 {
    MARK.replace(MARK.get() + 8)
}

fn take(mut page: Guard<Page>, mark: u64) -> Guard<Page> {
    let fresh = page.holder.swap(mark, Relaxed) == 0 && page.words == [0; 4];
    page.words = [mark; 4];
    WRONG.fetch_add(u64::from(!fresh), Relaxed);
    page
}

fn give_back(page: Guard<Page>, mark: u64) {
    let own = page.words == [mark; 4] && page.holder.swap(0, Relaxed) == mark;
    WRONG.fetch_add(u64::from(!own), Relaxed);
}

extern "C" fn handle(_: libc::c_int) {
    HANDLED.fetch_add(1, Relaxed);
    let mark = mark();
    // One, none if none is found, or many; each thread in turns.
    match mark / 8 % 3 {
        0 => give_back(take(Page::acquire(), mark), mark),
        1 => {
            TRIED.fetch_add(1, Relaxed);
            if let Some(page) = Page::try_acquire() {
                FOUND.fetch_add(1, Relaxed);
                give_back(take(page, mark), mark);
            }
        }
        _ => {
            let pages: [_; HELD] = std::array::from_fn(|_| take(Page::acquire(), mark));
            pages.into_iter().for_each(|page| give_back(page, mark));
        }
    }
}

/// Uses the pool until enough signals have been handled: pairs, and bursts that go through the shared lists.
fn use_pool(thread: u64) {
    MARK.set(8 + thread);
    let mut held = Vec::with_capacity(64);
    while HANDLED.load(Relaxed) < SIGNALS {
        for _ in 0..40 {
            let mark = mark();
            give_back(take(Page::acquire(), mark), mark);
            held.push((take(Page::acquire(), mark), mark));
        }
        held.drain(..).for_each(|(page, mark)| give_back(page, mark));
    }
}

fn signals_interrupt_the_pool() {
    // It does what the documentation of `acquire` lets it do.
    timer::handle(handle);
    thread::scope(|scope| {
        for thread in [1, 2] {
            scope.spawn(move || {
                let timer = Timer::every(Duration::from_micros(50));
                use_pool(thread);
                drop(timer);
            });
        }
        // Sweeps by a third thread, which is not interrupted: slots are stopped, and lists are locked.
        scope.spawn(|| {
            while HANDLED.load(Relaxed) < SIGNALS {
                pool_runtime::age();
                thread::sleep(Duration::from_millis(1));
            }
        });
    });
    println!(
        "{}: {} signals, {} of {} tries found an object",
        pool_runtime::backend(),
        HANDLED.load(Relaxed),
        FOUND.load(Relaxed),
        TRIED.load(Relaxed)
    );
    assert_eq!(WRONG.load(Relaxed), 0, "objects were held twice, or not reset");
    pool_runtime::collect();
    let stats = Page::pool().stats();
    assert_eq!((stats.idle, stats.in_use), (0, 0), "{stats:?}");
}

#[test]
fn a_handler_may_acquire_and_release() {
    let name = "a_handler_may_acquire_and_release";
    if child::is_child() {
        return signals_interrupt_the_pool();
    }
    for backend in ["rseq", "portable"] {
        let output = child::run_and_pass(name, |child| child.env("POOL_BACKEND", backend));
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
}
