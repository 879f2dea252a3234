//! The feature `diagnose` in signal handlers: each acquire is recorded, wherever the thread is in the code that records, while another thread makes
//! reports.
//!
//! The allocator is one that a handler may call: a miss does, and a record may.
#![cfg(target_os = "linux")]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use pool_runtime::{Pooled, diagnose, registry};
use tests::allocator::Bump;
use tests::timer::{self, Timer};

#[global_allocator]
static BUMP: Bump = Bump;

const SIGNALS: u64 = 20_000;

#[derive(Default, Pooled)]
#[pooled(name = "handled", max_idle = 100_000)]
struct Page(#[allow(dead_code, reason = "it has a size")] [u64; 4]);

static HANDLED: AtomicU64 = AtomicU64::new(0);

extern "C" fn handle(_: libc::c_int) {
    HANDLED.fetch_add(1, Relaxed);
    // Some more than a bucket of the table has places, now and then.
    let held: [_; 12] = std::array::from_fn(|_| Page::try_acquire());
    drop(Page::acquire());
    drop(held);
}

#[test]
fn a_handler_may_acquire_and_release_while_its_thread_records() {
    diagnose::sample_every(1);
    diagnose::held_longer_than(Duration::ZERO);
    // It does what the documentation of `acquire` lets it do.
    timer::handle(handle);
    let (overdue, returned) = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let timer = Timer::every(Duration::from_micros(50));
                let mut held = Vec::with_capacity(64);
                while HANDLED.load(Relaxed) < SIGNALS {
                    for _ in 0..40 {
                        drop(Page::acquire());
                        held.push(Page::acquire());
                    }
                    held.clear();
                }
                drop(timer);
            });
        }
        let reader = scope.spawn(|| {
            let mut sums = (0, 0);
            while HANDLED.load(Relaxed) < SIGNALS {
                let check = diagnose::check();
                sums = (sums.0 + check.overdue.len(), sums.1 + check.returned.len());
                thread::yield_now();
            }
            sums
        });
        reader.join().expect("it ends")
    });
    let last = diagnose::check();
    assert!(last.overdue.is_empty(), "all are back: {last:?}");
    assert_eq!(overdue, returned + last.returned.len(), "each that was told has returned");
    assert!(registry::in_use_report().is_empty());
    println!("{overdue} records were told, in {} signals", HANDLED.load(Relaxed));
}
