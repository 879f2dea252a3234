//! Threads that repeat a piece of work for a while.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use super::place::anywhere_on_stack;
use crate::protocol::Task;

/// The operations of the threads, and the time that they took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// Of all threads.
    pub operations: u64,
    /// Of all threads, from the moment when each was ready.
    pub cpu: Duration,
    /// Until the last thread was done.
    pub wall: Duration,
}

/// How often a thread looks at the clock: once in so many calls.
const CALLS: usize = 16;

/// Repeats the closure that `lane` makes for each thread, on all threads at once, until the task's time is over.
///
/// A closure returns the number of its operations. Its first call is not counted.
pub fn run<L: FnMut() -> usize>(task: &Task, lane: impl Fn(usize) -> L + Sync) -> Spent {
    let duration = Duration::from_millis(task.milliseconds);
    let ready = Barrier::new(task.threads);
    let begin = OnceLock::new();
    let stop = AtomicBool::new(false);
    let cpus = if task.pin { cpus() } else { Vec::new() };
    let work = |index: usize| {
        if task.pin {
            pin(cpus[index % cpus.len()]);
        }
        let mut lane = lane(index);
        lane();
        ready.wait();
        let begin = *begin.get_or_init(Instant::now);
        let cpu = cpu_time();
        let mut operations = 0;
        // The threads look at the clock themselves: a thread that sleeps meanwhile would then have to wait for a CPU.
        'time: while begin.elapsed() < duration {
            for _ in 0..CALLS {
                if stop.load(Relaxed) {
                    break 'time;
                }
                operations += lane() as u64;
            }
        }
        stop.store(true, Relaxed);
        Spent { operations, cpu: cpu_time() - cpu, wall: begin.elapsed() }
    };
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> =
            (0..task.threads).map(|index| scope.spawn(move || anywhere_on_stack(|| work(index)))).collect();
        threads.into_iter().fold(Spent::default(), |all, thread| {
            let one = thread.join().expect("a thread of the contestant panicked");
            Spent { operations: all.operations + one.operations, cpu: all.cpu + one.cpu, wall: all.wall.max(one.wall) }
        })
    })
}

/// CPU time of the calling thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The CPUs that the calling thread may use: all that the process may, as long as it was not bound.
pub fn cpus() -> Vec<usize> {
    let set = sched_getaffinity(None).expect("a process knows its own affinity");
    (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()
}

/// Binds the calling thread to a CPU.
pub fn pin(cpu: usize) {
    allow(&[cpu]);
}

/// Binds the calling thread to these CPUs.
pub fn allow(cpus: &[usize]) {
    let mut set = CpuSet::new();
    cpus.iter().for_each(|&cpu| set.set(cpu));
    sched_setaffinity(None, &set).expect("a thread may use any of its process's CPUs");
}
