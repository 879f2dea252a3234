//! `collect` and `age` reach everything, stop no thread, and survive a `Drop` that panics.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::Barrier;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use pool_runtime::Pooled;
use tests::counted;
use tests::counted::Tally;
use tests::cpu;
use tests::guards::hold;
use tests::watchdog::within_a_minute;

/// Fills the pool from 16 threads on all CPUs, each with `n` objects at the same time, and calls `while_alive` before
/// half of them end.
fn fill_from_all_cpus<T: Pooled>(n: usize, while_alive: impl FnOnce()) {
    let (held, released, done) = (Barrier::new(16), Barrier::new(9), Barrier::new(9));
    let cpus = cpu::allowed();
    thread::scope(|scope| {
        for thread in 0..16 {
            let (held, released, done, cpus) = (&held, &released, &done, &cpus);
            scope.spawn(move || {
                cpu::pin_to(cpus[thread / 2 % cpus.len()]);
                let guards = hold::<T>(n);
                held.wait();
                drop(guards);
                if thread % 2 == 0 {
                    released.wait();
                    done.wait();
                }
            });
        }
        released.wait();
        while_alive();
        done.wait();
    });
}

#[test]
fn collect_reaches_every_cpu_and_thread() {
    counted!(Page, TALLY, max_idle = 1000);

    for round in 0..10 {
        fill_from_all_cpus::<Page>(20, || {
            if round % 2 == 0 {
                Page::pool().age();
            }
        });
        let before = Page::pool().stats();
        assert!(before.idle >= 20, "{before:?}");
        TALLY.check(&before, 0, 0);
        Page::pool().collect();
        assert_eq!(TALLY.alive(), 0, "what is collected is dropped before `collect` returns");
        let after = Page::pool().stats();
        assert_eq!((after.idle, after.victims), (0, 0));
        assert_eq!(after.dropped.collect - before.dropped.collect, before.idle as u64);
        assert!(Page::try_acquire().is_none());
        TALLY.check(&after, 0, 0);
    }
}

#[test]
fn age_reaches_every_cpu_and_thread() {
    counted!(Page, TALLY, max_idle = 1000);

    for _ in 0..10 {
        fill_from_all_cpus::<Page>(20, || {});
        let before = Page::pool().stats();
        assert!(before.idle >= 20 && before.victims == 0, "{before:?}");
        Page::pool().age();
        let aged = Page::pool().stats();
        assert_eq!((aged.idle, aged.victims), (before.idle, before.idle));
        assert_eq!(aged.dropped, before.dropped);
        TALLY.check(&aged, 0, 0);
        Page::pool().age();
        assert_eq!(TALLY.alive(), 0);
        let after = Page::pool().stats();
        assert_eq!(after.dropped.age - before.dropped.age, before.idle as u64);
        TALLY.check(&after, 0, 0);
    }
}

/// What idles with threads that still run is taken while they run.
#[test]
fn collect_takes_what_is_private_to_threads_that_run() {
    counted!(Page, TALLY, max_idle = 1000);

    let all = Barrier::new(9);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..3 {
                    hold::<Page>(2);
                    all.wait();
                    all.wait();
                }
            });
        }
        let mut left = Vec::new();
        for _ in 0..3 {
            all.wait();
            Page::pool().collect();
            left.push(TALLY.alive());
            all.wait();
        }
        assert_eq!(left, [0, 0, 0]);
    });
    TALLY.check(&Page::pool().stats(), 0, 0);
}

#[test]
fn what_is_in_use_is_not_collected() {
    counted!(Page, TALLY, max_idle = 1000);

    cpu::pin();
    let mut held = hold::<Page>(50);
    drop(held.split_off(20));
    Page::pool().collect();
    assert_eq!((TALLY.dropped(), Page::pool().idle()), (30, 0));
    for page in &held {
        page.0.assert_alive();
    }
    // They come back into a pool that was collected meanwhile.
    drop(held);
    assert_eq!((TALLY.dropped(), Page::pool().idle()), (30, 20));
    TALLY.check(&Page::pool().stats(), 0, 0);
}

#[test]
fn an_empty_pool_can_be_collected_and_aged() {
    counted!(Page, TALLY, max_idle = 1000);

    // Before its first use, too.
    for _ in 0..3 {
        Page::pool().collect();
        Page::pool().age();
        assert_eq!(Page::pool().idle(), 0);
        TALLY.check(&Page::pool().stats(), 0, 0);
    }
    drop(Page::acquire());
    assert_eq!(Page::pool().idle(), 1);
}

/// A `Drop` in a collection that takes its time stops no thread: the pool works meanwhile, and so do other sweeps.
#[test]
fn the_pool_works_while_a_collect_drops() {
    static ARMED: AtomicBool = AtomicBool::new(false);
    static ENTERED: OnceLock<Sender<()>> = OnceLock::new();
    static LEAVE: Mutex<Option<Receiver<()>>> = Mutex::new(None);
    counted!(Page, TALLY, max_idle = 1000);
    impl Drop for Page {
        fn drop(&mut self) {
            if ARMED.swap(false, Relaxed) {
                let leave = LEAVE.lock().expect("nobody panics").take().expect("armed once for each");
                ENTERED.get().expect("set before").send(()).expect("the test waits");
                leave.recv().expect("the test ends the wait");
            }
        }
    }

    let (entered, wait) = channel();
    ENTERED.set(entered).expect("set once");
    for sweep in
        [|| Page::pool().collect(), || (0..2).for_each(|_| Page::pool().age()), || Page::pool().set_max_idle(0)]
    {
        Page::pool().set_max_idle(1000);
        drop(hold::<Page>(50));
        let (leave, blocked) = channel();
        *LEAVE.lock().expect("nobody panics") = Some(blocked);
        ARMED.store(true, Relaxed);
        let sweeper = thread::spawn(sweep);
        wait.recv().expect("a drop has begun");
        within_a_minute("the pool beside a slow drop", || {
            cpu::pin();
            Page::pool().set_max_idle(1000);
            let held = hold::<Page>(50);
            drop(held);
            assert_eq!(Page::pool().stats().idle, 50, "nothing is idle but what came back, and it is kept");
            drop(hold::<Page>(50));
            Page::pool().age();
            Page::pool().collect();
            Page::prefill(3);
        });
        leave.send(()).expect("the drop waits");
        sweeper.join().expect("the sweep ends");
        Page::pool().collect();
        TALLY.check(&Page::pool().stats(), 0, 0);
        assert_eq!(TALLY.alive(), 0);
    }
}

/// Runs `sweep` on a pool of 40 idle victims and 20 other idle objects of which those with a number in `bad` panic as
/// they are dropped: each is dropped, then the panic goes on, and nothing is wrong afterwards.
fn sweep_with_panics<T: Pooled>(tally: &'static Tally, sweep: fn(), swept: u64) {
    drop(hold::<T>(60));
    T::pool().age();
    let twenty = hold::<T>(20);
    drop(twenty);
    let before = tally.dropped();
    assert_eq!(tally.alive(), 60);
    let payload = catch_unwind(sweep).expect_err("the panic goes on");
    assert!(payload.is::<Bad>(), "with the payload that it had");
    assert_eq!(tally.dropped() - before, swept);
    tally.check(&T::pool().stats(), 0, 0);
    T::pool().set_max_idle(1000);
    let _ = catch_unwind(|| T::pool().collect());
    assert_eq!((tally.alive(), T::pool().idle()), (0, 0));
    tally.check(&T::pool().stats(), 0, 0);
}

/// The payload of the panics in `Drop`.
struct Bad;

/// Declares a pooled type whose `Drop` panics with `Bad` for the numbers that `$bad` accepts.
macro_rules! bad {
    ($name:ident, $tally:ident, $bad:expr) => {
        counted!($name, $tally, max_idle = 1000);
        impl Drop for $name {
            fn drop(&mut self) {
                let bad: fn(u64) -> bool = $bad;
                if bad(self.0.number % 60) {
                    resume_unwind(Box::new(Bad));
                }
            }
        }
    };
}

#[test]
fn one_panicking_drop_in_a_collect_loses_nothing() {
    bad!(Page, TALLY, |number| number == 30);
    cpu::pin();
    for _ in 0..3 {
        sweep_with_panics::<Page>(&TALLY, || Page::pool().collect(), 60);
    }
}

#[test]
fn ten_panicking_drops_in_a_collect_lose_nothing() {
    bad!(Page, TALLY, |number| number % 6 == 0);
    cpu::pin();
    for _ in 0..3 {
        sweep_with_panics::<Page>(&TALLY, || Page::pool().collect(), 60);
    }
}

#[test]
fn sixty_panicking_drops_in_a_collect_lose_nothing() {
    bad!(Page, TALLY, |_| true);
    cpu::pin();
    sweep_with_panics::<Page>(&TALLY, || Page::pool().collect(), 60);
}

#[test]
fn panicking_drops_in_an_age_lose_nothing() {
    bad!(Page, TALLY, |_| true);
    cpu::pin();
    sweep_with_panics::<Page>(&TALLY, || Page::pool().age(), 40);
}

#[test]
fn panicking_drops_under_a_lower_bound_lose_nothing() {
    bad!(Page, TALLY, |_| true);
    cpu::pin();
    sweep_with_panics::<Page>(&TALLY, || Page::pool().set_max_idle(0), 60);
    assert_eq!(Page::pool().max_idle(), 1000);
}

/// The payloads of the panics that do not go on are dropped by the pool: their own panic is not allowed to lose objects.
#[test]
fn payloads_that_panic_as_they_are_dropped_lose_nothing() {
    static PAYLOADS: AtomicU64 = AtomicU64::new(0);
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            PAYLOADS.fetch_add(1, Relaxed);
            resume_unwind(Box::new(Bad));
        }
    }
    counted!(Page, TALLY, max_idle = 1000);
    impl Drop for Page {
        fn drop(&mut self) {
            resume_unwind(Box::new(Bomb));
        }
    }

    cpu::pin();
    drop(hold::<Page>(20));
    let payload = catch_unwind(|| Page::pool().collect()).expect_err("the panic goes on");
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    assert_eq!(TALLY.alive(), 0);
    TALLY.check(&Page::pool().stats(), 0, 0);
}

/// An object whose `Drop` panics on several threads that collect at the same time.
#[test]
fn panicking_drops_on_several_threads_lose_nothing() {
    bad!(Page, TALLY, |number| number % 3 == 0);
    within_a_minute("collecting with panics", || {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..200 {
                        for page in hold::<Page>(5) {
                            let _ = catch_unwind(AssertUnwindSafe(|| drop(page)));
                        }
                        let sweep: fn() =
                            if round % 2 == 0 { || Page::pool().collect() } else { || Page::pool().age() };
                        let _ = catch_unwind(sweep);
                    }
                });
            }
        });
        let _ = catch_unwind(|| Page::pool().collect());
        TALLY.check(&Page::pool().stats(), 0, 0);
        assert_eq!(TALLY.alive(), 0);
    });
}

/// As `Bad`, but thrown by the usual macro, so that the hook runs and the thread counts as panicking.
#[test]
fn a_drop_that_panics_with_a_message_loses_nothing() {
    counted!(Page, TALLY, max_idle = 1000);
    impl Drop for Page {
        fn drop(&mut self) {
            match self.0.number {
                0 => panic!("the first"),
                1 => panic_any(1_u8),
                _ => {}
            }
        }
    }

    cpu::pin();
    drop(hold::<Page>(4));
    let payload = catch_unwind(|| Page::pool().collect()).expect_err("the panic goes on");
    assert!(payload.is::<&str>() || payload.is::<u8>());
    assert!(!thread::panicking());
    assert_eq!(TALLY.alive(), 0);
    drop(hold::<Page>(4));
    assert_eq!(Page::pool().idle(), 4, "the pool still keeps what comes back");
}

/// Four threads move objects about, in batches between local stacks and lists, while another sweeps. A thread that acquires
/// an object that was idle before a sweep began, and was not acquired before it ended, has found one that escaped.
fn assert_nothing_escapes<T: Traced>(sweep: fn(), sweeps_to_live: usize) {
    const WORKERS: usize = 4;
    const SWEEPS: usize = 100_000;
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 1_500 } else { 5_000 });

    // The last release of each worker that has ended.
    let released: [AtomicU64; WORKERS] = Default::default();
    // What `released` was before each sweep began. The first one is before any.
    let before: Vec<[AtomicU64; WORKERS]> = (0..=SWEEPS).map(|_| Default::default()).collect();
    // How many sweeps have ended.
    let ended = AtomicUsize::new(0);
    let escaped = AtomicU64::new(0);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for (worker, released) in released.iter().enumerate() {
            let (before, ended, escaped, over) = (&before, &ended, &escaped, &over);
            scope.spawn(move || {
                let mut release = 0;
                while !over.load(Relaxed) {
                    let sweeps = ended.load(Acquire);
                    let mut held = hold::<T>(1 + release as usize % 23);
                    release += 1;
                    for object in &mut held {
                        let trace = object.trace();
                        if let (Some((by, release)), Some(sweep)) = (*trace, (sweeps + 1).checked_sub(sweeps_to_live)) {
                            let idle = sweep > 0 && before[sweep][by].load(Relaxed) >= release;
                            escaped.fetch_add(u64::from(idle), Relaxed);
                        }
                        *trace = Some((worker, release));
                    }
                    drop(held);
                    released.store(release, Release);
                }
            });
        }
        let start = Instant::now();
        for sweep_before in before[1..].iter().take_while(|_| start.elapsed() < limit) {
            for (before, released) in sweep_before.iter().zip(&released) {
                before.store(released.load(Acquire), Relaxed);
            }
            sweep();
            ended.fetch_add(1, Release);
        }
        over.store(true, Relaxed);
    });
    assert_eq!(escaped.load(Relaxed), 0, "objects that escaped: {:?}", T::pool().stats());
    T::pool().collect();
    assert_eq!(T::pool().idle(), 0);
}

trait Traced: Pooled {
    /// The worker that released it last, and in which of its releases.
    fn trace(&mut self) -> &mut Option<(usize, u64)>;
}

macro_rules! traced {
    ($name:ident) => {
        #[derive(Default, Pooled)]
        #[pooled(max_idle = 200, local = 8)]
        struct $name(#[pooled(keep)] Option<(usize, u64)>);
        impl Traced for $name {
            fn trace(&mut self) -> &mut Option<(usize, u64)> {
                &mut self.0
            }
        }
    };
}

#[test]
fn nothing_escapes_a_collect_by_moving() {
    traced!(Page);
    assert_nothing_escapes::<Page>(|| Page::pool().collect(), 1);
}

/// Two steps of ageing, in which an object that is not acquired becomes a victim and is dropped.
#[test]
fn nothing_escapes_two_ages_by_moving() {
    traced!(Page);
    assert_nothing_escapes::<Page>(|| Page::pool().age(), 2);
}
