//! `breathe` shows a pool that grows under load and shrinks when it is quiet.
//!
//! ```text
//! cargo run --release --example breathe                    # ten seconds, a chart on the terminal
//! cargo run --release --example breathe -- --svg FILE      # the same as a picture
//! cargo run --release --example breathe -- --seconds 30
//! ```
//!
//! Go's `fmt` keeps its print buffers in a pool, for which `sync.Pool` was made: it "scales under load and shrinks when
//! quiescent". Here threads print into pooled buffers. Their load comes in three waves, each lower than the one before, and
//! ends with quiet; a collector ages the pool forty times in the whole.

mod chart;
mod load;
mod options;
mod picture;
mod sample;

use std::fs::File;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use pool_runtime::collector::Pressure;
use pool_runtime::{Collector, Pooled, registry};

use crate::chart::Chart;
use crate::load::{Buffer, Load};
use crate::options::Options;
use crate::sample::{Sample, Value, in_mib};

/// The numbers of samples and of ageing steps in a run.
const SAMPLES: u32 = 200;
const AGEINGS: u32 = 40;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("breathe: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    // Opened before the load, so that an error comes at once.
    let picture = match &options.svg {
        None => None,
        Some(path) => {
            let in_words = |error| io::Error::other(format!("cannot write `{}`: {error}", path.display()));
            Some((File::create(path).map_err(in_words)?, in_words))
        }
    };
    let length = Duration::from_secs(options.seconds.into());
    let builder = Collector::builder().interval(length / AGEINGS).pressure(Pressure::Ignore);
    let collector = builder.start().map_err(io::Error::other)?;

    let (samples, acquired) = watch(length)?;
    drop(collector);
    if let Some((mut file, in_words)) = picture {
        file.write_all(picture::draw(&samples, length).as_bytes()).map_err(in_words)?;
    }
    report(&samples, acquired)
}

/// Runs the load, draws the pool's samples meanwhile, and returns them, with the number of acquires.
fn watch(length: Duration) -> io::Result<(Vec<Sample>, u64)> {
    let mut chart = Chart::new(length);
    let mut samples = Vec::new();
    let start = Instant::now();
    let load = Load::new(start, length);
    let acquired = thread::scope(|scope| {
        let workers: Vec<_> = (0..load::WORKERS).map(|number| scope.spawn(move || load.work(number))).collect();
        for number in 1..=SAMPLES {
            thread::sleep((start + length * number / SAMPLES).saturating_duration_since(Instant::now()));
            samples.push(Sample::now(start));
            chart.draw(&samples)?;
        }
        let acquired = workers.into_iter().map(|worker| worker.join().expect("a worker does not panic"));
        Ok::<_, io::Error>(acquired.sum())
    })?;
    Ok((samples, acquired))
}

/// The figures at the end.
fn report(samples: &[Sample], acquired: u64) -> io::Result<()> {
    let most = |of: Value| samples.iter().map(of).max().unwrap_or(0);
    let stats = Buffer::pool().stats();
    let mut out = io::stdout().lock();
    writeln!(out)?;
    writeln!(out, "buffers acquired   {acquired:>9}")?;
    writeln!(out, "  made             {:>9}", stats.created)?;
    writeln!(out, "  dropped by age   {:>9}", stats.dropped.age)?;
    writeln!(out, "most in use        {:>9}", most(|sample| sample.in_use))?;
    writeln!(out, "most idle          {:>9}", most(|sample| sample.idle))?;
    writeln!(out, "most held          {:>9.2} MiB", in_mib(most(|sample| sample.bytes)))?;
    writeln!(out, "held at the end    {:>9.2} MiB", in_mib(samples.last().map_or(0, |sample| sample.bytes)))?;
    writeln!(out, "\n{}", registry::stats())
}
