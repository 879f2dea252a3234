//! The stress test under an interval timer of 50 µs whose signals interrupt every thread of the process, pool code
//! included. In a binary of its own for that.
#![cfg(unix)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use pool_runtime::Pooled;
use tests::counted::{Counted, Tally};

const ROUNDS: u64 = if cfg!(debug_assertions) { 30_000 } else { 1_000_000 };
const THREADS: u64 = 10;

static TALLY: Tally = Tally::new();
static SIGNALS: AtomicU64 = AtomicU64::new(0);

#[derive(Pooled)]
#[pooled(new = || Page { object: TALLY.make(), holder: AtomicU64::new(0), words: [0; 4] }, max_idle = 1000)]
struct Page {
    object: Counted,
    /// 0 while no thread holds the object.
    #[pooled(keep)]
    holder: AtomicU64,
    #[pooled(set = [0; 4])]
    words: [u64; 4],
}

extern "C" fn count(_: libc::c_int) {
    SIGNALS.fetch_add(1, Relaxed);
}

/// Raises SIGALRM every `microseconds`; 0 ends it.
fn every(microseconds: libc::suseconds_t) {
    let interval = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: the new value is valid, the old one is not asked for.
    assert_eq!(unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) }, 0);
}

fn take(mark: u64) -> pool_runtime::Guard<Page> {
    let mut page = Page::acquire();
    page.object.assert_alive();
    assert_eq!(page.holder.swap(mark, Relaxed), 0, "object {} is held twice", page.object.number);
    assert_eq!(page.words, [0; 4], "object {} was handed out before its reset", page.object.number);
    page.words = [mark; 4];
    page
}

fn give_back(page: pool_runtime::Guard<Page>, mark: u64) {
    assert_eq!(page.words, [mark; 4], "another thread wrote to object {}", page.object.number);
    assert_eq!(page.holder.swap(0, Relaxed), mark, "object {} is held twice", page.object.number);
}

#[test]
fn signals_every_50_microseconds_lose_nothing() {
    // SAFETY: all zeroes is an action without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = count as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does what a handler may: it adds to an atomic.
    assert_eq!(unsafe { libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut()) }, 0);
    every(50);
    thread::scope(|scope| {
        for thread in 1..=THREADS {
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let mark = thread << 48 | round << 2;
                    let (first, second) = (take(mark | 1), take(mark | 2));
                    give_back(first, mark | 1);
                    give_back(second, mark | 2);
                    match (thread, round % 1000) {
                        (1, 0) => Page::pool().collect(),
                        (2, 0) => Page::pool().age(),
                        _ => {}
                    }
                }
            });
        }
    });
    every(0);
    let signals = SIGNALS.load(Relaxed);
    println!("{signals} signals");
    assert!(signals > 0);
    TALLY.check(&Page::pool().stats(), 0, 0);
    Page::pool().collect();
    TALLY.check(&Page::pool().stats(), 0, 0);
    assert_eq!(TALLY.alive(), 0);
}
