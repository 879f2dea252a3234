//! The work that is done with a contestant, and the time that it takes.
//!
//! A scenario returns figures by name:
//!
//! | name | meaning |
//! |---|---|
//! | `cpu_ns` | CPU time of all threads, over the operations: the cost of an operation, without the wait for a CPU |
//! | `wall_ns` | the time that passed, over the operations of all threads |
//! | `made_per_1000` | objects made, over 1,000 acquires |
//!
//! and others that only this scenario has. An operation is one object acquired, used and released.

pub mod cold;
pub mod handoff;
mod place;
pub mod plain;
pub mod squeeze;
pub mod sweep;
pub mod threads;

use std::hint::black_box;
use std::sync::Mutex;
use std::time::Instant;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::contestant::{Contestant, Discard, Object};
use crate::protocol::Task;
use place::{PLACES, begin_at};
use threads::{Spent, run};

/// The figures of a measurement, by name.
pub type Figures = Vec<(&'static str, f64)>;

/// Objects that are acquired one after the other in one call.
const BATCH: usize = 64;

/// Objects of each hundred that do not come back, as in Go's benchmark of the same name.
const LOST: usize = 33;

/// The least that a user does with an object.
#[inline]
fn write(object: &mut Object) {
    object.bytes.push(b'x');
    object.lines += 1;
    black_box(object);
}

/// One object at a time, in a loop at each place in turn.
pub fn pair<C: Contestant>(task: &Task) -> Figures {
    let loops: [fn(&C::Pool); PLACES] = [
        pairs::<C, 0>,
        pairs::<C, 1>,
        pairs::<C, 2>,
        pairs::<C, 3>,
        pairs::<C, 4>,
        pairs::<C, 5>,
        pairs::<C, 6>,
        pairs::<C, 7>,
    ];
    let pool = C::pool();
    let made = C::made();
    let lane = |_| {
        let pool = &pool;
        let mut place = 0;
        move || {
            place = (place + 1) % PLACES;
            loops[place](pool);
            BATCH
        }
    };
    figures::<C>(&run(task, lane), made)
}

#[inline(never)]
fn pairs<C: Contestant, const PLACE: usize>(pool: &C::Pool) {
    begin_at::<PLACE>();
    for _ in 0..BATCH {
        write(&mut C::acquire(pool));
    }
}

/// A pair without a pool: the write and the reset alone.
pub fn write_alone(task: &Task) -> Figures {
    let lane = |_| {
        let mut object = Object::new();
        move || {
            for _ in 0..BATCH {
                write(black_box(&mut object));
                object.reset();
            }
            BATCH
        }
    };
    times(&run(task, lane))
}

/// Many held, then all released.
pub fn burst<C: Contestant>(task: &Task) -> Figures {
    let pool = C::pool();
    let made = C::made();
    let lane = |_| {
        let mut held = Vec::with_capacity(task.size);
        let pool = &pool;
        move || {
            for _ in 0..task.size {
                let mut object = C::acquire(pool);
                write(&mut object);
                held.push(object);
            }
            held.clear();
            task.size
        }
    };
    figures::<C>(&run(task, lane), made)
}

/// A hundred held, of which a third is dropped and the others released: the next hundred cannot all be found.
pub fn starvation<C: Discard>(task: &Task) -> Figures {
    let pool = C::pool();
    let made = C::made();
    let lane = |_| {
        let mut held = Vec::with_capacity(100);
        let pool = &pool;
        move || {
            for _ in 0..100 {
                let mut object = C::acquire(pool);
                write(&mut object);
                held.push(object);
            }
            held.drain(..LOST).for_each(C::discard);
            held.clear();
            100
        }
    };
    figures::<C>(&run(task, lane), made)
}

/// One at a time, each with room for another number of bytes: 64 to 64 Ki, the logarithm evenly spread.
pub fn mixed_sizes<C: Contestant>(task: &Task) -> Figures {
    let mut random = 1_u64;
    let sizes: Vec<usize> = (0..1024)
        .map(|_| {
            // Knuth's linear congruence: the same sizes for every contestant.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let fraction = (random >> 11) as f64 / (1_u64 << 53) as f64;
            (64.0 * 1024_f64.powf(fraction)) as usize
        })
        .collect();
    let pool = C::pool();
    let made = C::made();
    let lane = |index: usize| {
        let (pool, sizes) = (&pool, &sizes);
        let mut next = 100 * index;
        move || {
            for _ in 0..BATCH {
                next = (next + 1) % sizes.len();
                write(&mut C::acquire_for(pool, sizes[next]));
            }
            BATCH
        }
    };
    figures::<C>(&run(task, lane), made)
}

/// How long single acquires take, the two looks at the clock included.
pub fn tail<C: Contestant>(task: &Task) -> Figures {
    let pool = C::pool();
    let made = C::made();
    let all = Mutex::new(new_histogram());
    let lane = |_| {
        let pool = &pool;
        let mut times = Times { own: new_histogram(), all: &all };
        move || {
            for _ in 0..BATCH {
                let start = Instant::now();
                let mut object = C::acquire(pool);
                let time = start.elapsed();
                write(&mut object);
                drop(object);
                times.own.saturating_record(time.as_nanos() as u64);
            }
            BATCH
        }
    };
    let mut figures = figures::<C>(&run(task, lane), made);
    let all = all.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for (name, quantile) in [("p50_ns", 0.5), ("p99_ns", 0.99), ("p999_ns", 0.999), ("p9999_ns", 0.9999)] {
        figures.push((name, all.value_at_quantile(quantile) as f64));
    }
    figures
}

/// Up to ten seconds, in nanoseconds, to two digits.
fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 2).expect("bounds in order")
}

/// The times of one thread, added to those of all when it ends.
struct Times<'a> {
    own: Histogram<u64>,
    all: &'a Mutex<Histogram<u64>>,
}

impl Drop for Times<'_> {
    fn drop(&mut self) {
        if let Ok(mut all) = self.all.lock() {
            all.add(&self.own).expect("the same bounds");
        }
    }
}

/// A line of a log.
#[derive(Serialize)]
struct Record<'a> {
    time: u64,
    level: &'a str,
    target: &'a str,
    message: &'a str,
    request: Request<'a>,
}

#[derive(Serialize)]
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    status: u16,
    seconds: f64,
    tags: [&'a str; 3],
}

/// Formats a record as JSON into an object, and copies it to the thread's output, as Go's `fmt` uses its pool.
pub fn json_lines<C: Contestant>(task: &Task) -> Figures {
    /// When the output is written, which is not measured.
    const OUTPUT: usize = 64 << 10;
    let pool = C::pool();
    let made = C::made();
    let lane = |index: usize| {
        let pool = &pool;
        let mut output = Vec::with_capacity(2 * OUTPUT);
        let mut time = 1_000_000 * index as u64;
        move || {
            for _ in 0..BATCH {
                time += 1;
                let record = Record {
                    time,
                    level: "info",
                    target: "server::http",
                    message: "answered \"GET\" with a page\tfrom the cache",
                    request: Request {
                        method: "GET",
                        path: "/a/path/that/is/not/very/long?and=a&query=too",
                        status: 200 + (time % 5) as u16,
                        seconds: time as f64 / 1024.0,
                        tags: ["cached", "gzip", "http/2"],
                    },
                };
                let mut line = C::acquire(pool);
                serde_json::to_writer(&mut line.bytes, &record).expect("memory takes all");
                line.bytes.push(b'\n');
                output.extend_from_slice(&line.bytes);
            }
            if output.len() > OUTPUT {
                black_box(&output);
                output.clear();
            }
            BATCH
        }
    };
    figures::<C>(&run(task, lane), made)
}

/// The figures that every scenario over a contestant has.
fn figures<C: Contestant>(spent: &Spent, made_before: Option<u64>) -> Figures {
    let mut figures = times(spent);
    figures.push(("made_per_1000", made_per_1000::<C>(spent.operations, made_before)));
    figures
}

fn made_per_1000<C: Contestant>(operations: u64, made_before: Option<u64>) -> f64 {
    let made = C::made().zip(made_before).map_or(operations, |(after, before)| after - before);
    1e3 * made as f64 / operations.max(1) as f64
}

fn times(spent: &Spent) -> Figures {
    let operations = spent.operations.max(1) as f64;
    vec![
        ("cpu_ns", spent.cpu.as_secs_f64() * 1e9 / operations),
        ("wall_ns", spent.wall.as_secs_f64() * 1e9 / operations),
        ("operations", operations),
    ]
}
