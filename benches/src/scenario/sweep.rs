//! Clearing pools, and the time that it costs the threads that use them.

use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use pool_runtime::Pooled;

use super::threads::run;
use super::{BATCH, Figures, times};
use crate::contestant::Object;
use crate::protocol::Task;

/// Time between two sweeps.
const INTERVAL: Duration = Duration::from_millis(10);

/// The time to make an object, as in Go's benchmark of the same name.
const EXPENSIVE: Duration = Duration::from_millis(1);

#[derive(Pooled)]
#[pooled(new = Self::new)]
struct Expensive {
    bytes: Vec<u8>,
}

impl Expensive {
    fn new() -> Self {
        thread::sleep(EXPENSIVE);
        Self { bytes: Vec::with_capacity(64) }
    }
}

/// Pairs, while every pool of the process ages.
pub fn expensive_new_age(task: &Task) -> Figures {
    expensive_new(task, pool_runtime::age)
}

/// Pairs, while every pool of the process is cleared.
pub fn expensive_new_collect(task: &Task) -> Figures {
    expensive_new(task, pool_runtime::collect)
}

fn expensive_new(task: &Task, sweep: fn()) -> Figures {
    let made = Expensive::pool().stats().created;
    // The last thread sweeps, and the others acquire.
    let lanes = Task { threads: task.threads + 1, ..*task };
    let lane = |index: usize| -> Box<dyn FnMut() -> usize> {
        if index == task.threads {
            return Box::new(move || {
                thread::sleep(INTERVAL);
                sweep();
                0
            });
        }
        Box::new(|| {
            for _ in 0..BATCH {
                let mut object = Expensive::acquire();
                object.bytes.push(b'x');
                black_box(&mut *object);
            }
            BATCH
        })
    };
    let spent = run(&lanes, lane);
    let made = (Expensive::pool().stats().created - made) as f64;
    let mut figures = times(&spent);
    figures.push(("made_per_1000", 1e3 * made / spent.operations.max(1) as f64));
    figures.push(("made_per_sweep", made * INTERVAL.as_secs_f64() / spent.wall.as_secs_f64()));
    figures
}

/// A small object, since a hundred thousand are idle: with a kilobyte each, only the cost of the memory would be seen.
#[derive(Pooled)]
#[pooled(new = Self::new, max_idle = 1 << 20)]
struct Idle {
    bytes: Vec<u8>,
}

impl Idle {
    fn new() -> Self {
        Self { bytes: Vec::with_capacity(64) }
    }
}

/// As many idle objects as the task's size says, cleared by `collect` and by `age`, while another thread acquires and
/// releases in another pool.
pub fn collect(task: &Task) -> Figures {
    let prefill = || {
        let made = Idle::prefill(task.size);
        assert_eq!(made, task.size, "the pool has room");
    };
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (swept, longest) = std::sync::mpsc::channel();
        let (ask, asked) = std::sync::mpsc::channel::<()>();
        let stop = &stop;
        // Says, each time it is asked, how long the longest acquire took since it was asked last.
        scope.spawn(move || {
            let mut longest_so_far = Duration::ZERO;
            while !stop.load(Relaxed) {
                let start = Instant::now();
                let object = Object::acquire();
                longest_so_far = longest_so_far.max(start.elapsed());
                drop(object);
                if asked.try_recv().is_ok() {
                    let _ = swept.send(std::mem::take(&mut longest_so_far));
                }
            }
        });
        let longest = || {
            ask.send(()).expect("the other thread listens");
            longest.recv().expect("the other thread answers")
        };
        let longest_while = |work: &mut dyn FnMut()| {
            longest();
            let start = Instant::now();
            work();
            (start.elapsed(), longest())
        };

        prefill();
        let (collect, longest_in_collect) = longest_while(&mut pool_runtime::collect);
        // As much time without a sweep: the longest acquire that the machine itself causes.
        let (_, longest_in_nothing) = longest_while(&mut || thread::sleep(collect));
        prefill();
        let (age, longest_in_age) = longest_while(&mut || {
            pool_runtime::age();
            pool_runtime::age();
        });
        stop.store(true, Relaxed);
        assert_eq!(Idle::pool().idle(), 0, "all were dropped");
        vec![
            ("collect_ms", 1e3 * collect.as_secs_f64()),
            ("age_ms", 1e3 * age.as_secs_f64()),
            ("longest_us", 1e6 * longest_in_collect.max(longest_in_age).as_secs_f64()),
            ("longest_without_us", 1e6 * longest_in_nothing.as_secs_f64()),
        ]
    })
}

/// The time to drop as many objects without a pool.
pub fn drop_all(task: &Task) -> Figures {
    let objects: Vec<_> = (0..task.size).map(|_| Box::new(Idle::new())).collect();
    let start = Instant::now();
    drop(black_box(objects));
    vec![("collect_ms", 1e3 * start.elapsed().as_secs_f64())]
}
