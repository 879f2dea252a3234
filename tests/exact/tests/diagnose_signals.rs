//! The feature `diagnose` in signal handlers: each acquire is recorded, wherever the thread is in the code that records, while another thread makes
//! reports.
//!
//! The allocator is one that a handler may call: a miss does, and a record may.
#![cfg(target_os = "linux")]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::{mem, ptr, thread};

use pool_runtime::{Pooled, diagnose, registry};
use tests::allocator::Bump;

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

/// Interrupts this thread every 50 µs until the guard is dropped.
struct Timer(libc::timer_t);

impl Timer {
    fn start() -> Self {
        // SAFETY: the structure is made of integers and pointers, for which zero is a value.
        let mut event: libc::sigevent = unsafe { mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGUSR1;
        event.sigev_notify_thread_id = tests::cpu::thread_id();
        let mut timer = ptr::null_mut();
        // SAFETY: the pointers are to structures of ours.
        assert_eq!(unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer) }, 0);
        // SAFETY: the structure is made of integers, for which zero is a value.
        let mut time: libc::itimerspec = unsafe { mem::zeroed() };
        (time.it_interval.tv_nsec, time.it_value.tv_nsec) = (50_000, 50_000);
        // SAFETY: the timer has been made; the old time is not asked for.
        assert_eq!(unsafe { libc::timer_settime(timer, 0, &time, ptr::null_mut()) }, 0);
        Self(timer)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: it has been made, and is not used again.
        unsafe { libc::timer_delete(self.0) };
    }
}

#[test]
fn a_handler_may_acquire_and_release_while_its_thread_records() {
    diagnose::sample_every(1);
    diagnose::held_longer_than(Duration::ZERO);
    // SAFETY: all zeroes is an action without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handle as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does what the documentation of `acquire` lets it do.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut()) }, 0);
    let (overdue, returned) = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let timer = Timer::start();
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
