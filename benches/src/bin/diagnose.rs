//! A pair of acquire and release with the feature `diagnose`, and without it: `--bin diagnose`, or `--features diagnose --bin diagnose -- EVERY`, and
//! `backtraces` behind the number. Prints the CPU time of a pair in ns. For the table in `docs/performance.md`, runs of these take turns.

use std::hint::black_box;

use pool_runtime::Pooled;
use rustix::time::{ClockId, clock_gettime};

#[derive(Default, Pooled)]
struct Buffer {
    bytes: Vec<u8>,
    lines: u64,
}

fn cpu_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn pair(times: u32) -> f64 {
    let begin = cpu_time();
    for lines in 0..times {
        let mut buffer = black_box(Buffer::acquire());
        buffer.lines = lines.into();
        if buffer.bytes.is_empty() {
            buffer.bytes.push(1);
        }
    }
    (cpu_time() - begin) / f64::from(times)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let times = if arguments.is_empty() { 10_000_000 } else { set(&arguments) };
    pair(times / 10);
    println!("{:.2}", pair(times));
}

/// Makes the settings, and says how many pairs they are worth.
#[cfg(feature = "diagnose")]
fn set(arguments: &[String]) -> u32 {
    let every: u32 = arguments[0].parse().expect("a number: one in so many acquires is recorded");
    let backtraces = arguments.get(1).is_some_and(|word| word == "backtraces");
    pool_runtime::diagnose::sample_every(every);
    pool_runtime::diagnose::backtraces(backtraces);
    match (every, backtraces) {
        (1, true) => 50_000,
        (1, false) | (_, true) => 2_000_000,
        _ => 10_000_000,
    }
}

#[cfg(not(feature = "diagnose"))]
fn set(_: &[String]) -> u32 {
    panic!("without `--features diagnose` there is nothing to set")
}
