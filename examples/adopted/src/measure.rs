//! Fresh against pooled: rounds in which both take turns, so that other work of the machine hits both.

use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

/// A way to do the work. Its output goes into a vector that is empty.
pub(crate) type Way = fn(input: &[u8], out: &mut Vec<u8>) -> io::Result<()>;

/// An input, and two ways.
pub(crate) struct Case {
    name: &'static str,
    input: Vec<u8>,
    /// Makes all that it needs, and drops it.
    fresh: Way,
    /// Acquires all that it needs, and releases it.
    pooled: Way,
}

pub(crate) const HEAD: &str = "\
| crate, input | bytes | fresh, µs | pooled, µs | pooled over fresh |
|---|--:|--:|--:|--:|";

/// The least time that a turn takes. A thread that shares its CPU has it for some milliseconds at a time, so most turns are not
/// interrupted.
const TURN: Duration = Duration::from_micros(100);

impl Case {
    pub(crate) fn new(name: &'static str, input: Vec<u8>, fresh: Way, pooled: Way) -> Self {
        Self { name, input, fresh, pooled }
    }

    /// Checks that both ways write the same bytes.
    pub(crate) fn verify(&self) -> io::Result<()> {
        let (mut fresh, mut pooled) = (Vec::new(), Vec::new());
        (self.fresh)(&self.input, &mut fresh)?;
        (self.pooled)(&self.input, &mut pooled)?;
        if fresh.is_empty() || fresh != pooled {
            return Err(io::Error::other(format!("{}: fresh and pooled do not write the same", self.name)));
        }
        Ok(())
    }

    /// A line of the table: medians of the rounds; of their ratios too, ± the median distance from it.
    pub(crate) fn measure(&self, rounds: usize) -> io::Result<String> {
        let mut out = Vec::new();
        let mut fresh = |times| self.turn(self.fresh, times, &mut out);
        let mut out = Vec::new();
        let mut pooled = |times| self.turn(self.pooled, times, &mut out);

        // These turns also warm up the machine, the allocator and the pool.
        let mut times = 1;
        while fresh(times)?.min(pooled(times)?) < TURN {
            times *= 2;
        }
        let mut turns = Vec::new();
        for round in 0..rounds {
            // The way that comes second may find the machine warmer, or slower.
            if round % 2 == 0 {
                let first = fresh(times)?;
                turns.push((first, pooled(times)?));
            } else {
                let first = pooled(times)?;
                turns.push((fresh(times)?, first));
            }
        }

        let micros = |turn: Duration| 1e6 * turn.as_secs_f64() / f64::from(times);
        let ratio = |(fresh, pooled): (Duration, Duration)| pooled.as_secs_f64() / fresh.as_secs_f64();
        let middle = median(turns.iter().copied().map(ratio));
        Ok(format!(
            "| {} | {} | {:.2} | {:.2} | {middle:.2} ± {:.2} |",
            self.name,
            self.input.len(),
            median(turns.iter().map(|turn| micros(turn.0))),
            median(turns.iter().map(|turn| micros(turn.1))),
            median(turns.iter().map(|&turn| (ratio(turn) - middle).abs())),
        ))
    }

    /// The time that the work takes, done so many times.
    fn turn(&self, way: Way, times: u32, out: &mut Vec<u8>) -> io::Result<Duration> {
        let start = Instant::now();
        for _ in 0..times {
            out.clear();
            way(black_box(&self.input), out)?;
            black_box(&out);
        }
        Ok(start.elapsed())
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
