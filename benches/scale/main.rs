//! Counts the objects that a pool makes and keeps on a machine with many CPUs. Nothing is timed: `ci/scale.sh` runs it on emulated
//! machines.
//!
//! Takes the name of one case, and prints a line for each figure. Threads are moved to other CPUs by force, as often as a busy
//! scheduler would do it, so the figures are the same on each machine, but for differences in the order of the threads' steps.

use std::process::ExitCode;
use std::sync::Barrier;
use std::{env, thread};

use pool_runtime::Pooled;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A buffer has room for so many bytes.
const SIZE: usize = 64 << 10;

/// Acquires on a CPU before the thread is moved on.
const STAY: usize = 16;

/// How often a thread that roams comes to each CPU.
const ROUNDS: usize = 2;

/// Threads in the case with a quota.
const WORKERS: usize = 16;

/// How often each of them is moved.
const MOVES: usize = 200;

/// Threads of the burst.
const BURST: usize = 128;

/// With the bound that a pool has if its type says nothing.
#[derive(Pooled)]
#[pooled(new = Self::new)]
struct Buffer {
    bytes: Vec<u8>,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: Vec::with_capacity(SIZE) }
    }

    /// One at a time.
    fn use_some() {
        for _ in 0..STAY {
            Self::acquire().bytes.push(b'x');
        }
    }

    fn idle_kib() -> usize {
        Self::pool().stats().idle * SIZE / 1024
    }
}

fn main() -> ExitCode {
    let case = env::args().nth(1).unwrap_or_default();
    let cpus = cpus();
    match case.as_str() {
        "one" => {
            roam(&cpus, 1);
            say("objects made", Buffer::pool().stats().created);
        }
        "eight" => {
            roam(&cpus, 8);
            say("objects made", Buffer::pool().stats().created);
        }
        "quota" => quota(&cpus),
        "burst" => burst(&cpus),
        _ => {
            eprintln!("scale: expected `one`, `eight`, `quota` or `burst`, found `{case}`");
            return ExitCode::FAILURE;
        }
    }
    say("backend", pool_runtime::backend());
    ExitCode::SUCCESS
}

/// So many threads, each on one CPU after the other.
fn roam(cpus: &[usize], threads: usize) {
    thread::scope(|scope| {
        for index in 0..threads {
            scope.spawn(move || {
                for step in 0..ROUNDS * cpus.len() {
                    // A prime, so that few of the threads go the same way behind each other.
                    pin(cpus[(step + 7 * index) % cpus.len()]);
                    Buffer::use_some();
                }
            });
        }
    });
}

/// Threads that share the CPU time of a quota, and are moved anywhere.
fn quota(cpus: &[usize]) {
    thread::scope(|scope| {
        for index in 0..WORKERS {
            scope.spawn(move || {
                // Knuth's linear congruence: the same ways in each run.
                let mut random = index as u64;
                for _ in 0..MOVES {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    pin(cpus[(random >> 33) as usize % cpus.len()]);
                    Buffer::use_some();
                }
            });
        }
    });
    let stats = Buffer::pool().stats();
    // Else the machine has no quota, and the figures are those of another case.
    let left = thread::available_parallelism().map_or(0, usize::from);
    assert!(left <= 2, "the quota leaves {left} CPUs");
    say("KiB idle", Buffer::idle_kib());
    say("hits per 1,000 acquires", format_args!("{:.2}", 1e3 * stats.hits as f64 / stats.acquires as f64));
    say("objects made", stats.created);
}

/// Many threads hold an object at the same time. Then two roam, and the pool ages twice.
fn burst(cpus: &[usize]) {
    let all_hold = Barrier::new(BURST);
    thread::scope(|scope| {
        for index in 0..BURST {
            let all_hold = &all_hold;
            scope.spawn(move || {
                pin(cpus[index % cpus.len()]);
                let mut buffer = Buffer::acquire();
                buffer.bytes.push(b'x');
                all_hold.wait();
            });
        }
    });
    say("KiB idle after the burst", Buffer::idle_kib());
    for _ in 0..2 {
        roam(cpus, 2);
        Buffer::pool().age();
    }
    say("KiB idle after two ageing steps", Buffer::idle_kib());
}

/// The CPUs that this process may use.
fn cpus() -> Vec<usize> {
    let set = sched_getaffinity(None).expect("a process knows its own affinity");
    (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()
}

/// Moves the calling thread to a CPU.
fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).expect("a thread may use any of its process's CPUs");
}

fn say(figure: &str, value: impl std::fmt::Display) {
    println!("scale: {figure}: {value}");
}
