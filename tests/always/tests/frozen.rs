//! A thread is frozen anywhere in the pool's code, by a signal whose handler does not return, and the others go on: no thread
//! waits for it, and the pool stays right meanwhile. In a binary of its own, for its signal and its allocator. They
//! take turns: there is one signal.
#![cfg(unix)]
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::os::unix::thread::JoinHandleExt;
use std::ptr;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicPtr, AtomicUsize};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use pool_runtime::{Guard, Pooled};
use tests::counted;
use tests::random::Random;
use tests::turn::turn;

/// An allocator without a lock, which a frozen thread could hold. What a thread frees, it uses again.
struct Unlocked;

const MEMORY: usize = 2 << 30;
static START: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
static USED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// What this thread has freed: a chain for each power of two, whose links are in the memory itself.
    static FREE: [Cell<*mut u8>; usize::BITS as usize] = const { [const { Cell::new(ptr::null_mut()) }; _] };
}

/// The power of two whose memory serves a layout.
fn size(layout: Layout) -> usize {
    layout.size().max(layout.align()).max(16).next_power_of_two()
}

/// The first byte of all memory.
fn start() -> *mut u8 {
    let start = START.load(Acquire);
    if !start.is_null() {
        return start;
    }
    let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, wherever the kernel likes.
    let map = unsafe { libc::mmap(ptr::null_mut(), MEMORY, access, flags | libc::MAP_NORESERVE, -1, 0) };
    assert_ne!(map, libc::MAP_FAILED);
    // Who comes second leaves its own mapping unused.
    START.compare_exchange(ptr::null_mut(), map.cast(), AcqRel, Acquire).map_or_else(|first| first, |_| map.cast())
}

// SAFETY: each allocation is a range of bytes that no other owner has, of memory that is never unmapped. It is aligned to its
// size or to a page.
unsafe impl GlobalAlloc for Unlocked {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = size(layout);
        if layout.align() > 4096 {
            return ptr::null_mut();
        }
        FREE.with(|free| {
            let free = &free[size.trailing_zeros() as usize];
            let first = free.get();
            if first.is_null() {
                let offset = USED.fetch_add(2 * size, Relaxed).next_multiple_of(size);
                if offset + size > MEMORY {
                    return ptr::null_mut();
                }
                // SAFETY: within the mapping.
                return unsafe { start().add(offset) };
            }
            // SAFETY: what is in the chain was freed, and begins with its link.
            free.set(unsafe { first.cast::<*mut u8>().read() });
            first
        })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        FREE.with(|free| {
            let free = &free[size(layout).trailing_zeros() as usize];
            // SAFETY: at least 16 bytes, aligned to as many, that the caller has no use for.
            unsafe { pointer.cast::<*mut u8>().write(free.get()) };
            free.set(pointer);
        });
    }
}

#[global_allocator]
static UNLOCKED: Unlocked = Unlocked;

/// How long threads are frozen and thawed.
const LIMIT: Duration = Duration::from_secs(if cfg!(debug_assertions) { 2 } else { 6 });

/// Threads that are in the signal's handler, and whether they may leave it.
static FROZEN: AtomicUsize = AtomicUsize::new(0);
static THAW: AtomicBool = AtomicBool::new(false);

extern "C" fn freeze(_: libc::c_int) {
    FROZEN.fetch_add(1, AcqRel);
    while !THAW.load(Acquire) {
        let moment = libc::timespec { tv_sec: 0, tv_nsec: 50_000 };
        // SAFETY: a handler may sleep; what is left of the time is not asked for.
        unsafe { libc::nanosleep(&moment, ptr::null_mut()) };
    }
    FROZEN.fetch_sub(1, AcqRel);
}

/// Makes SIGUSR1 freeze the thread that gets it.
fn install() -> MutexGuard<'static, ()> {
    let turn = turn();
    // SAFETY: all zeroes is an action without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = freeze as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does what a handler may: atomics, and a sleep.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut()) }, 0);
    turn
}

/// Freezes threads, calls `meanwhile`, and lets them go on.
fn with_frozen<R>(threads: &[libc::pthread_t], meanwhile: impl FnOnce() -> R) -> R {
    THAW.store(false, Release);
    for &thread in threads {
        // SAFETY: the caller joins the thread later.
        assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
    }
    while FROZEN.load(Acquire) < threads.len() {
        thread::yield_now();
    }
    let result = meanwhile();
    THAW.store(true, Release);
    while FROZEN.load(Acquire) > 0 {
        thread::yield_now();
    }
    result
}

// Local stacks are short, so that the lists under locks are much in use.
counted!(Page, PAGES, max_idle = 200, local = 4);

/// All that must not wait.
fn use_pool(random: &mut Random) {
    let n = random.below(40);
    PAGES.may_hold(n + 1);
    let held: Vec<Guard<Page>> = (0..n).map(|_| Page::acquire()).collect();
    match random.below(6) {
        0 => drop(Page::try_acquire()),
        1 => Guard::discard(Page::acquire()),
        2 => drop(Guard::into_inner(Page::acquire())),
        3 => drop(Page::adopt(Page(PAGES.make()))),
        4 => drop(Page::prefill(3)),
        _ => drop(std::hint::black_box(Box::new((Page::pool().idle(), Page::pool().stats())))),
    }
    drop(held);
    PAGES.holds(n + 1, 0, 0);
    assert!(PAGES.idle_at_least() <= 200);
}

#[test]
fn nobody_waits_for_a_frozen_thread() {
    static ENDED: AtomicBool = AtomicBool::new(false);

    let _turn = install();
    let victims: Vec<_> = (0..3)
        .map(|seed| {
            thread::spawn(move || {
                let mut random = Random::new(seed);
                while !ENDED.load(Relaxed) {
                    use_pool(&mut random);
                }
            })
        })
        .collect();
    let (begin, begun) = channel::<u64>();
    let (ended, end) = channel();
    let worker = thread::spawn(move || {
        for seed in begun {
            let mut random = Random::new(seed);
            (0..20).for_each(|_| use_pool(&mut random));
            ended.send(()).expect("the test waits");
        }
    });

    let threads: Vec<_> = victims.iter().map(|victim| victim.as_pthread_t()).collect();
    let mut random = Random::new(99);
    let start = Instant::now();
    for round in (0_u64..).take_while(|_| start.elapsed() < LIMIT) {
        // Some of them, somewhere in their work.
        let goes_on = with_frozen(&threads[..1 + random.below(3)], || {
            begin.send(round).expect("the worker is there");
            end.recv_timeout(Duration::from_secs(20)).is_ok()
        });
        assert!(goes_on, "round {round}: a thread waits for one that is frozen");
    }
    ENDED.store(true, Relaxed);
    drop(begin);
    worker.join().expect("the worker ends");
    for victim in victims {
        victim.join().expect("a victim ends");
    }
    let stats = Page::pool().stats();
    println!("{stats:?}");
    PAGES.check(&stats, 0, 0);
    Page::pool().collect();
    PAGES.check(&Page::pool().stats(), 0, 0);
    assert_eq!(PAGES.alive(), 0);
}

/// Objects that were idle before a sweep began and were not acquired since.
static UNTOUCHED: AtomicIsize = AtomicIsize::new(0);

#[derive(Default, Pooled)]
#[pooled(max_idle = 1000, local = 8)]
struct Line {
    #[pooled(keep)]
    untouched: bool,
}

impl Line {
    fn touch(&mut self) {
        if std::mem::take(&mut self.untouched) {
            UNTOUCHED.fetch_sub(1, Relaxed);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.touch();
    }
}

/// A sweep that is frozen anywhere, while a thread takes objects out and puts others in: of those that were idle when it
/// began and that no thread took, none is left when it ends.
#[test]
fn nothing_escapes_a_sweep_that_is_frozen() {
    const SWEEPS: [fn(); 3] = [
        || Line::pool().collect(),
        || (0..2).for_each(|_| Line::pool().age()),
        || [0, 1000].into_iter().for_each(|n| Line::pool().set_max_idle(n)),
    ];

    /// Sweeps that were asked for, and those that have ended.
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static ENDED: AtomicUsize = AtomicUsize::new(0);

    let _turn = install();
    let sweeper = thread::spawn(|| {
        for round in 1.. {
            while ASKED.load(Acquire) < round {
                thread::yield_now();
            }
            // The thread ends when no signal can come any more.
            if ASKED.load(Acquire) == usize::MAX {
                return;
            }
            SWEEPS[round % SWEEPS.len()]();
            ENDED.store(round, Release);
        }
    });
    let thread = sweeper.as_pthread_t();
    let mut random = Random::new(5);
    let mut escaped = 0;
    let start = Instant::now();
    for round in (1..).take_while(|_| start.elapsed() < LIMIT) {
        let mut held: Vec<_> = (0..100).map(|_| Line::acquire()).collect();
        for line in &mut held {
            line.touch();
            line.untouched = true;
        }
        UNTOUCHED.fetch_add(100, Relaxed);
        drop(held);

        ASKED.store(round, Release);
        (0..random.below(3_000)).for_each(|_| std::hint::spin_loop());
        with_frozen(&[thread], || {
            for _ in 0..3 {
                let mut held: Vec<_> = (0..1 + random.below(12)).map(|_| Line::acquire()).collect();
                held.iter_mut().for_each(|line| line.touch());
            }
        });
        while ENDED.load(Acquire) < round {
            thread::yield_now();
        }
        escaped += UNTOUCHED.load(Relaxed);
        Line::pool().collect();
        UNTOUCHED.store(0, Relaxed);
    }
    ASKED.store(usize::MAX, Release);
    sweeper.join().expect("the sweeper ends");
    assert_eq!(escaped, 0, "objects that were idle before a sweep, and not acquired since, are still there");
    assert_eq!((Line::pool().idle(), Line::pool().stats().in_use), (0, 0));
}
