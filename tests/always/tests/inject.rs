//! Threads that are interrupted anywhere in an acquire or a release, by everything that interrupts a thread: signals,
//! moves to another CPU, other threads of the CPU, and sweeps. Nothing may be in two hands, and nothing may be lost. In a
//! binary of its own, for its signals. They take turns: each needs the CPUs for itself.
//!
//! A thread that changes its own CPU is never in a sequence when it moves, so another thread moves all of them. Each
//! worker has a timer whose signals abort the sequence that they find it in; some handlers give the CPU away, so that
//! another thread works on the same slot before the first goes on. One worker is not registered for restartable sequences. Other threads come
//! and go.
//!
//! Without `--cfg pool_inject` it is a stress test of two seconds, on any backend. With it, the sequences spin between any
//! two steps and look twice at what they rely on, and the test goes on until a million of them were aborted, or for
//! `POOL_INJECT_SECONDS`. Then it fails where the backend is another, and where nothing was aborted.
#![cfg(target_os = "linux")]

use std::cell::Cell;
use std::ffi::c_int;
use std::hint::spin_loop;
use std::sync::Barrier;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64};
use std::time::{Duration, Instant};
use std::{process, thread};

use pool_runtime::{Guard, Pooled};
use tests::counted::{Counted, Tally};
use tests::random::Random;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use tests::seccomp::{self, Answer::Errno, Filter};
use tests::timer::{self, Timer};
use tests::turn::turn;
use tests::{child, cpu, sequences};

const WORKERS: usize = 6;
/// Low enough that stacks overflow and are refilled, high enough that there are stacks on many CPUs.
const MAX_IDLE: usize = if cfg!(pool_inject) { 128 } else { 1000 };
/// A full stack fills its memory to the end: what is put behind that destroys what lies there.
const LOCAL: usize = 17;

static TALLY: Tally = Tally::new();
static ENDED: AtomicBool = AtomicBool::new(false);
static SIGNALS: AtomicU64 = AtomicU64::new(0);
static ROUNDS: AtomicU64 = AtomicU64::new(0);

#[derive(Pooled)]
#[pooled(new = new_page, max_idle = MAX_IDLE, local = LOCAL)]
struct Page {
    object: Counted,
    /// 0 while no thread holds the object.
    #[pooled(keep)]
    holder: AtomicU64,
    /// Where in `RELEASED` its last release is.
    #[pooled(keep)]
    release: usize,
    #[pooled(set = [0; 4])]
    words: [u64; 4],
}

fn new_page() -> Page {
    Page { object: TALLY.make(), holder: AtomicU64::new(0), release: NEVER, words: [0; 4] }
}

/// How many collects have begun, and how many have ended. These two and `RELEASED` are `SeqCst`: a release that is over
/// before a collect begins, and an acquire that begins after that, are in this order for everybody.
static COLLECTS_BEGUN: AtomicU64 = AtomicU64::new(0);
static COLLECTS_ENDED: AtomicU64 = AtomicU64::new(0);

/// How many collects had begun when a release was over; `u64::MAX` before. Each worker goes round in its own part.
static RELEASED: [AtomicU64; WORKERS * RELEASES + 1] = [const { AtomicU64::new(u64::MAX) }; WORKERS * RELEASES + 1];
const RELEASES: usize = 1024;
const NEVER: usize = WORKERS * RELEASES;

/// Ends the process at once: threads that wait for each other, and a pool that is broken, cannot get in the way.
fn fail(what: &str) -> ! {
    eprintln!("FAILED: {what}");
    process::exit(1);
}

impl Page {
    fn take(&mut self, mark: u64) {
        self.object.assert_alive();
        let holder = self.holder.swap(mark, Relaxed);
        if holder != 0 {
            fail(&format!("object {} is held by {holder:#x} and {mark:#x}", self.object.number));
        }
        if self.words != [0; 4] {
            fail(&format!("object {} was handed out before its reset", self.object.number));
        }
        self.words = [mark; 4];
    }

    fn give_back(&mut self, mark: u64) {
        self.object.assert_alive();
        // Volatile: what another thread has written meanwhile is what is looked for.
        // SAFETY: a valid place of ours.
        let words = unsafe { (&raw const self.words).read_volatile() };
        if words != [mark; 4] {
            fail(&format!("object {} has the marks {words:x?} instead of {mark:#x}", self.object.number));
        }
        let holder = self.holder.swap(0, Relaxed);
        if holder != mark {
            fail(&format!("object {} is held by {holder:#x} and {mark:#x}", self.object.number));
        }
    }
}

fn take(mark: u64) -> Guard<Page> {
    let collected = COLLECTS_ENDED.load(SeqCst);
    let mut page = Page::acquire();
    page.take(mark);
    let released = RELEASED[page.release].load(SeqCst);
    if released < collected {
        fail(&format!("object {} was idle when a collect began, and is there after it", page.object.number));
    }
    page
}

fn release(mut page: Guard<Page>, number: usize) {
    page.release = number;
    RELEASED[number].store(u64::MAX, SeqCst);
    drop(page);
    RELEASED[number].store(COLLECTS_BEGUN.load(SeqCst), SeqCst);
}

/// Two at once, again and again, and sometimes more than a stack has room for.
fn hold(worker: u64) {
    let mut random = Random::new(worker);
    let mut round: u64 = 0;
    let mut released = 0;
    let mut number = || {
        released += 1;
        worker as usize * RELEASES + released % RELEASES
    };
    while !ENDED.load(Relaxed) {
        round += 1;
        let mark = (worker + 1) << 48 | round << 2;
        let mut first = take(mark | 1);
        let mut second = take(mark | 2);
        match random.below(256) {
            0..8 => thread::yield_now(),
            8..10 => _ = Page::prefill(random.below(4)),
            _ => {}
        }
        first.give_back(mark | 1);
        second.give_back(mark | 2);
        match random.below(1024) {
            0 => Guard::discard(first),
            1 => drop(Guard::into_box(first)),
            2 => {
                release(first, number());
                drop(Page::adopt(new_page()));
            }
            _ => release(first, number()),
        }
        release(second, number());
        if random.below(8) == 0 {
            let many: Vec<_> = (0..random.below(2 * LOCAL)).map(|_| take(mark | 3)).collect();
            for mut page in many {
                page.give_back(mark | 3);
                release(page, number());
            }
        }
    }
    ROUNDS.fetch_add(round, Relaxed);
}

thread_local! {
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

extern "C" fn interrupt(_: c_int) {
    SIGNALS.fetch_add(1, Relaxed);
    let count = COUNT.get();
    COUNT.set(count.wrapping_add(1));
    if count.is_multiple_of(4) {
        // SAFETY: a system call without arguments, which a handler may make.
        unsafe { libc::sched_yield() };
    }
}

/// Moves the workers from one CPU to another, wherever they are in what they do.
fn move_workers(ids: &[AtomicI32]) {
    let cpus = cpu::allowed();
    let mut random = Random::new(7);
    while !ENDED.load(Relaxed) {
        let worker = ids[random.below(ids.len())].load(Relaxed);
        cpu::pin_thread(worker, cpus[random.below(cpus.len())]);
        match random.below(32) {
            0 => thread::sleep(Duration::from_micros(50)),
            _ => (0..random.below(2000)).for_each(|_| spin_loop()),
        }
    }
}

/// As many threads as there are CPUs come and go. When the process comes to have more threads than CPUs, or far fewer again, Linux 6.19 and later
/// gives concurrency ids to CPUs, or to threads again: then a thread may find another id on the CPU where it was.
fn come_and_go() {
    let cpus = cpu::allowed().len();
    let mut mark: u64 = (WORKERS as u64 + 1) << 48;
    while !ENDED.load(Relaxed) {
        thread::scope(|scope| {
            for _ in 0..cpus {
                mark += 1;
                scope.spawn(move || {
                    let mut page = take(mark);
                    page.give_back(mark);
                    page.release = NEVER;
                });
            }
        });
        thread::sleep(Duration::from_micros(PAUSE as u64));
    }
}

/// Sweeps all the time, and counts how often.
fn sweep() -> u64 {
    let mut random = Random::new(8);
    let mut sweeps = 0;
    while !ENDED.load(Relaxed) {
        #[cfg(pool_inject)]
        set_spin(&mut random);
        match random.below(16) {
            0 => {
                let begun = COLLECTS_BEGUN.fetch_add(1, SeqCst) + 1;
                pool_runtime::collect();
                COLLECTS_ENDED.store(begun, SeqCst);
            }
            1..4 => pool_runtime::age(),
            4 => Page::pool().set_max_idle(random.below(MAX_IDLE)),
            // A sweep that keeps what it finds.
            _ => Page::pool().set_max_idle(MAX_IDLE),
        }
        sweeps += 1;
        // Long enough that the stacks fill again.
        thread::sleep(Duration::from_micros(random.below(PAUSE) as u64));
    }
    sweeps
}

/// Mostly short, so that there are many sequences; sometimes as long as a fence takes, so that a whole sweep goes by
/// between two steps.
#[cfg(pool_inject)]
fn set_spin(random: &mut Random) {
    let most = if random.below(4) == 0 { 6000 } else { 300 };
    pool_runtime::inject::SPIN.store(random.below(most) as u32, Relaxed);
}

/// Of each worker's timer. Without injection, aborts are rare anyway.
const PERIOD: Duration = Duration::from_micros(if cfg!(pool_inject) { 25 } else { 50 });
/// The longest pause between two sweeps, in microseconds: long enough that the stacks fill again.
const PAUSE: usize = 500;

#[cfg(not(pool_inject))]
fn wait(start: Instant) {
    thread::sleep(Duration::from_secs(2).saturating_sub(start.elapsed()));
}

/// Until there were a million aborts, or for as long as is asked for.
#[cfg(pool_inject)]
fn wait(start: Instant) {
    const ENOUGH: u64 = 1_000_000;
    const LIMIT: Duration = Duration::from_secs(240);

    let aborts = || pool_runtime::inject::ABORTS.load(Relaxed);
    let seconds = std::env::var("POOL_INJECT_SECONDS").map(|seconds| seconds.parse().expect("a number of seconds"));
    let seconds = seconds.map(Duration::from_secs);
    while seconds.as_ref().map_or_else(|_| aborts() <= ENOUGH, |&seconds| start.elapsed() < seconds) {
        if start.elapsed() > LIMIT {
            fail(&format!("{} aborts in {} s", aborts(), LIMIT.as_secs()));
        }
        thread::sleep(Duration::from_millis(100));
    }
    println!("{} aborts in {:.1} s", aborts(), start.elapsed().as_secs_f64());
    assert!(aborts() > 0, "nothing was aborted");
}

/// No charge was lost, nor given back twice: the pool takes as many objects as it may, and no more.
#[cfg(pool_inject)]
fn check_bound() {
    pool_runtime::inject::SPIN.store(0, Relaxed);
    cpu::pin();
    Page::pool().set_max_idle(0);
    Page::pool().set_max_idle(MAX_IDLE);
    assert_eq!(Page::prefill(2 * MAX_IDLE), MAX_IDLE, "{:?}", Page::pool().stats());
    Page::pool().collect();
    TALLY.check(&Page::pool().stats(), 0, 0);
    assert_eq!(TALLY.alive(), 0);
}

/// The same with the fence that is used where a filter refuses `membarrier` later on.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn nothing_is_lost_where_membarrier_is_refused() {
    if !seccomp::is_there() {
        return;
    }
    let _turn = turn();
    let name = "nothing_is_lost_where_anything_is_interrupted";
    let seconds = std::env::var("POOL_INJECT_SECONDS").unwrap_or("20".to_owned());
    let output = child::run_and_pass(name, |child| child.env("POOL_INJECT_SECONDS", seconds));
    println!("{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn nothing_is_lost_where_anything_is_interrupted() {
    let _turn = turn();
    println!("backend: {}", pool_runtime::backend());
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    if child::is_child() {
        Filter::refuse(&[libc::SYS_membarrier], Errno(libc::EPERM)).install().expect("the kernel has filters");
    }
    #[cfg(pool_inject)]
    assert!(sequences::are_used(), "injection is for restartable sequences");
    timer::handle(interrupt);
    let begin = Barrier::new(WORKERS + 4);
    let ids: Vec<AtomicI32> = (0..WORKERS).map(|_| AtomicI32::new(0)).collect();
    let sweeps = thread::scope(|scope| {
        let (begin, ids) = (&begin, &ids);
        for (worker, id) in ids.iter().enumerate() {
            scope.spawn(move || {
                if worker == 0 {
                    println!("one worker is {}registered", if sequences::unregister() { "not " } else { "" });
                }
                id.store(cpu::thread_id(), Relaxed);
                begin.wait();
                let _timer = Timer::every(PERIOD);
                hold(worker as u64);
            });
        }
        scope.spawn(move || {
            begin.wait();
            move_workers(ids);
        });
        scope.spawn(move || {
            begin.wait();
            come_and_go();
        });
        let sweeper = scope.spawn(move || {
            begin.wait();
            sweep()
        });
        begin.wait();
        wait(Instant::now());
        ENDED.store(true, Relaxed);
        sweeper.join().expect("the sweeper does not panic")
    });
    let (rounds, signals) = (ROUNDS.load(Relaxed), SIGNALS.load(Relaxed));
    println!("{rounds} rounds, {sweeps} sweeps, {signals} signals, {} objects", TALLY.made());
    let stats = Page::pool().stats();
    println!("{stats:?}");
    TALLY.check(&stats, 0, 0);
    assert!(stats.idle <= MAX_IDLE, "{stats:?}");
    Page::pool().collect();
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    assert_eq!((stats.idle, TALLY.alive()), (0, 0), "after a collect");
    #[cfg(pool_inject)]
    check_bound();
}

/// In the child, whether `membarrier` is refused.
#[cfg(pool_inject)]
const REFUSED: &str = "POOL_TESTS_MEMBARRIER_REFUSED";

/// Sweeps on one CPU, hundreds of them in the middle of a sequence on another, with either fence. Both threads are real-time ones: on a machine that
/// is busy with other work, too, nothing interrupts a sequence but the fence. Where that does not, a second look traps.
#[cfg(pool_inject)]
#[test]
fn a_sweep_fences_what_another_cpu_is_at() {
    let _turn = turn();
    let name = "a_sweep_fences_what_another_cpu_is_at";
    if !child::is_child() {
        let run = |refused: Option<&str>| {
            let output =
                child::run_and_pass(name, |child| child.env_remove(REFUSED).envs(refused.map(|is| (REFUSED, is))));
            println!("{}", String::from_utf8_lossy(&output.stdout));
        };
        run(None);
        if seccomp::is_there() {
            run(Some("1"));
        }
        return;
    }
    let [here, there, ..] = cpu::allowed()[..] else {
        println!("left out, there is one CPU");
        return;
    };
    if std::env::var_os(REFUSED).is_some() {
        Filter::refuse(&[libc::SYS_membarrier], Errno(libc::EPERM)).install().expect("the kernel has filters");
    }
    let policy = |priority| {
        if let Err(error) = cpu::become_real_time(priority) {
            println!("without a real-time policy: {error}");
        }
    };
    // A sequence takes a tenth of a millisecond, and there is nearly always one.
    pool_runtime::inject::SPIN.store(20_000, Relaxed);
    thread::scope(|scope| {
        scope.spawn(|| {
            cpu::pin_to(there);
            policy(1);
            let mut mark = 0;
            while !ENDED.load(Relaxed) {
                mark += 1;
                let mut pages = [Page::acquire(), Page::acquire()];
                pages.iter_mut().for_each(|page| page.take(mark));
                pages.iter_mut().for_each(|page| page.give_back(mark));
            }
        });
        scope.spawn(|| {
            cpu::pin_to(here);
            // Above the other: the fence without `membarrier` is that this thread runs on the other's CPU.
            policy(2);
            for _ in 0..400 {
                thread::sleep(Duration::from_micros(500));
                pool_runtime::collect();
            }
            ENDED.store(true, Relaxed);
        });
    });
    let aborts = pool_runtime::inject::ABORTS.load(Relaxed);
    println!("{aborts} aborts in 400 sweeps");
    assert!(aborts > 100, "{aborts} aborts in 400 sweeps");
    check_bound();
}
