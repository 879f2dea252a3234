//! Objects that one thread acquires and another releases, and the time that each spends in that.
//!
//! Batches travel through queues that never sleep. A thread that waits spins, or yields if the other thread may need its
//! CPU. The clock runs only while a thread acquires the objects of a batch, or releases them. So the wait for the other thread
//! does not count.
//!
//! The first write to an acquired object fetches its cache line from the CPU that released it, but for a pool that has fetched
//! it in the acquire. So it has a time of its own. The thread that receives a batch writes to its objects, too, before its
//! clock runs: a release finds them in the cache, as behind a use.
//!
//! The time does not include the queues, the waiting, the clock's own cost, and the batches in which the kernel gave the
//! thread's CPU to another thread. It includes a thread's sleep for a lock in an acquire or a release.
//!
//! | figure | meaning |
//! |---|---|
//! | `acquire_ns`, `release_ns` | the time of one |
//! | `pool_ns` | both added up |
//! | `write_ns` | the time of the first write to an object that was acquired |

use std::ops::DerefMut;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use std::{hint, mem, thread};

use crossbeam_queue::ArrayQueue;
use crossbeam_utils::CachePadded;

use super::threads::{cpus, pin, run};
use super::{Figures, made_per_1000, write};
use crate::contestant::{Contestant, Object};
use crate::protocol::Task;

/// Objects of a batch: the clock is read twice for each batch.
const SENT: usize = 64;

/// Batches on their way to the thread that releases them.
const IN_FLIGHT: usize = 2;

/// All batches that there are: one more is in the hands of each thread. These are 256 objects, as many as nexus-pool is given:
/// its acquire waits for ever if all are out and the other thread has stopped.
const BATCHES: usize = IN_FLIGHT + 2;

/// Batches of each thread that are not timed, in which the objects are made.
const WARM_UP: u64 = 2 * BATCHES as u64;

/// A measurement goes on until so many batches of each thread were timed.
const ENOUGH: u64 = 64;

/// But no longer than so many times the task's time.
const RUNS: usize = 100;

/// The CPUs of the two threads. A task's size is the index in [`ALL`](Self::ALL).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Each bound to a CPU of its own.
    TwoCpus,
    /// Both bound to the same CPU.
    OneCpu,
    /// Wherever the kernel puts them.
    LeftAlone,
}

impl Placement {
    /// In the order of the columns.
    pub const ALL: [Self; 3] = [Self::TwoCpus, Self::OneCpu, Self::LeftAlone];

    /// As a heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::TwoCpus => "two CPUs",
            Self::OneCpu => "one CPU",
            Self::LeftAlone => "left alone",
        }
    }

    /// The CPU of a thread, of those that there are.
    fn cpu(self, cpus: &[usize], thread: usize) -> Option<usize> {
        match self {
            Self::TwoCpus => Some(cpus[thread % cpus.len()]),
            Self::OneCpu => Some(cpus[0]),
            Self::LeftAlone => None,
        }
    }
}

/// Objects of a pool.
pub fn through_queues<C: Contestant>(task: &Task) -> Figures
where
    for<'a> C::Held<'a>: Send,
{
    let pool = C::pool();
    let made = C::made();
    let acquire = |batch: &mut Vec<_>| {
        for _ in 0..SENT {
            batch.push(C::acquire(&pool));
        }
    };
    let passed = pass(task, acquire, |batch| batch.clear());
    let mut figures = passed.figures();
    figures.push(("made_per_1000", made_per_1000::<C>(passed.operations, made)));
    figures
}

/// Boxes without a pool: the objects come back in their batch. None is looked for, and each is reset.
pub fn boxes_alone(task: &Task) -> Figures {
    let acquire = |batch: &mut Vec<Box<Object>>| batch.resize_with(SENT, || Box::new(Object::new()));
    pass(task, acquire, |batch| batch.iter_mut().for_each(|object| object.reset())).figures()
}

/// The times that two threads spent to pass objects on.
struct Passed {
    acquires: Part,
    writes: Part,
    releases: Part,
    operations: u64,
}

impl Passed {
    fn figures(&self) -> Figures {
        let [acquire, write, release] = [&self.acquires, &self.writes, &self.releases].map(Part::nanos_per_object);
        vec![
            ("pool_ns", acquire + release),
            ("acquire_ns", acquire),
            ("write_ns", write),
            ("release_ns", release),
            ("operations", self.operations as f64),
        ]
    }
}

/// One thread fills batches by `acquire` and sends them, another receives them and empties them by `release`.
fn pass<T: Send + DerefMut<Target = Object>>(
    task: &Task,
    acquire: impl Fn(&mut Vec<T>) + Sync,
    release: impl Fn(&mut Vec<T>) + Sync,
) -> Passed {
    let (cpus, placement) = (cpus(), Placement::ALL[task.size]);
    let wait = if placement == Placement::TwoCpus && cpus.len() > 1 { hint::spin_loop } else { thread::yield_now };
    let [acquires, writes, releases] = [(); 3].map(|()| CachePadded::new(Part::default()));
    let (full, empty) = (ArrayQueue::new(IN_FLIGHT), ArrayQueue::new(BATCHES));
    let lane = |thread: usize| -> Box<dyn FnMut() -> usize + '_> {
        if let Some(cpu) = placement.cpu(&cpus, thread) {
            pin(cpu);
        }
        let (acquire, acquires, writes) = (&acquire, &*acquires, &*writes);
        let (release, releases) = (&release, &*releases);
        let (full, empty) = (&full, &empty);
        let mut watch = Watch::new();
        let mut filled: Option<Vec<T>> = None;
        // A call of either never waits for the other thread, which may have stopped.
        match thread {
            0 => Box::new(move || {
                let batch = filled.take().unwrap_or_else(|| {
                    let mut batch = empty.pop().unwrap_or_else(|| Vec::with_capacity(SENT));
                    watch.start();
                    acquire(&mut batch);
                    let acquired = watch.lap();
                    batch.iter_mut().for_each(|object| write(object));
                    let wrote = watch.lap();
                    if watch.counts() {
                        acquires.add(acquired);
                        writes.add(wrote);
                    }
                    batch
                });
                if let Err(batch) = full.push(batch) {
                    filled = Some(batch);
                    wait();
                }
                0
            }),
            1 => Box::new(move || {
                let Some(mut batch) = full.pop() else {
                    wait();
                    return 0;
                };
                batch.iter_mut().for_each(|object| write(object));
                watch.start();
                release(&mut batch);
                let released = watch.lap();
                if watch.counts() {
                    releases.add(released);
                }
                assert!(empty.push(batch).is_ok(), "there is room for all batches");
                SENT
            }),
            _ => unreachable!("a hand-off has two threads"),
        }
    };
    let mut operations = 0;
    // Beside other programs, a thread may get no CPU for as long as that.
    for _ in 0..RUNS {
        operations += run(&Task { pin: false, ..*task }, lane).operations;
        if [&acquires, &writes, &releases].iter().all(|part| part.batches.load(Relaxed) >= ENOUGH) {
            break;
        }
    }
    let [acquires, writes, releases] = [acquires, writes, releases].map(CachePadded::into_inner);
    Passed { acquires, writes, releases, operations }
}

/// The time of one part of a thread's work. Only that thread writes to it, so `Relaxed` will do.
#[derive(Default)]
struct Part {
    batches: AtomicU64,
    nanos: AtomicU64,
}

impl Part {
    fn add(&self, time: Duration) {
        self.batches.fetch_add(1, Relaxed);
        self.nanos.fetch_add(time.as_nanos() as u64, Relaxed);
    }

    fn nanos_per_object(&self) -> f64 {
        let batches = self.batches.load(Relaxed);
        assert!(batches > 0, "the threads do not get on");
        self.nanos.load(Relaxed) as f64 / (batches as f64 * SENT as f64)
    }
}

/// Times a thread's work on each batch.
struct Watch {
    /// The clock's own cost: the median time of no work.
    cost: Duration,
    last: Instant,
    /// When it was started.
    switches: i64,
    /// How often it was started.
    batches: u64,
}

impl Watch {
    fn new() -> Self {
        let mut times: [Duration; 101] = std::array::from_fn(|_| Instant::now().elapsed());
        times.sort();
        Self { cost: times[times.len() / 2], last: Instant::now(), switches: 0, batches: 0 }
    }

    fn start(&mut self) {
        self.batches += 1;
        self.switches = switches();
        self.last = Instant::now();
    }

    /// The time since the start or the last lap, less the clock's cost.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        (now - mem::replace(&mut self.last, now)).saturating_sub(self.cost)
    }

    /// Whether the laps since the start count: not while the threads begin, nor if another thread was given the CPU.
    fn counts(&self) -> bool {
        self.batches > WARM_UP && switches() == self.switches
    }
}

/// How often the kernel has given the CPU of the calling thread, which could have gone on, to another one.
#[allow(unsafe_code, reason = "the system is asked directly: neither std nor rustix has it")]
fn switches() -> i64 {
    // SAFETY: the structure is made of integers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: the pointer is to a structure of that type, which is ours to write.
    let status = unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    assert_eq!(status, 0, "a thread may ask for its own usage");
    usage.ru_nivcsw
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hand-off whose acquires and releases take so many microseconds for each batch: nanoseconds for each object.
    fn figures(placement: Placement, acquire: u64, release: u64) -> [f64; 2] {
        let size = Placement::ALL.iter().position(|&one| one == placement).unwrap();
        let busy = |micros| {
            let start = Instant::now();
            while start.elapsed() < Duration::from_micros(micros) {
                hint::spin_loop();
            }
        };
        let acquire = |batch: &mut Vec<Box<Object>>| {
            batch.resize_with(SENT, || Box::new(Object::new()));
            busy(acquire);
        };
        let task = Task { threads: 2, size, milliseconds: 20, pin: false };
        let passed = pass(&task, acquire, |_| busy(release));
        [passed.acquires.nanos_per_object(), passed.releases.nanos_per_object()]
    }

    #[test]
    fn a_thread_that_waits_for_the_other_is_not_charged_for_it() {
        const SHORT: u64 = SENT as u64;
        const LONG: u64 = 16 * SENT as u64;
        for placement in Placement::ALL {
            // One thread waits for fifteen sixteenths of the time. The bounds leave room for other work of the machine.
            let [acquire, release] = figures(placement, SHORT, LONG);
            assert!((900.0..8_000.0).contains(&acquire), "{placement:?}: {acquire}");
            assert!(release > 15_000.0, "{placement:?}: {release}");
            let [acquire, release] = figures(placement, LONG, SHORT);
            assert!(acquire > 15_000.0, "{placement:?}: {acquire}");
            assert!((900.0..8_000.0).contains(&release), "{placement:?}: {release}");
        }
    }

    #[test]
    fn each_side_is_told_where_it_runs() {
        let cpus = |placement: Placement| [0, 1].map(|thread| placement.cpu(&[3, 5, 7], thread));
        assert_eq!(cpus(Placement::TwoCpus), [Some(3), Some(5)]);
        assert_eq!(cpus(Placement::OneCpu), [Some(3), Some(3)]);
        assert_eq!(cpus(Placement::LeftAlone), [None, None]);
        assert_eq!([0, 1].map(|thread| Placement::TwoCpus.cpu(&[3], thread)), [Some(3), Some(3)], "there is only one");
    }
}
