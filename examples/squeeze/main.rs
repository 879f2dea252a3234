//! `squeeze` compresses files in parallel with pooled deflate contexts and pooled buffers.
//!
//! ```text
//! cargo run --release --example squeeze -- PATH…            # one .gz next to every file
//! cargo run --release --example squeeze -- --out DIR PATH…  # the same tree under DIR
//! cargo run --release --example squeeze -- --compare        # this workspace's sources, pooled against fresh
//! ```
//!
//! A file is cut into blocks, and every block becomes a gzip member of its own; `gunzip` reads members one after the other
//! as one file. So any thread can compress any block, and a block needs a deflate context, of more than
//! 250 KiB, for less than a millisecond: `pooled` holds the two types that this is about.
//!
//! Small files are done in parallel, each by one thread. Large files are done one after the other, a window of blocks
//! at a time, the blocks of a window in parallel. Either way a few blocks per thread are in memory, whatever
//! the size of the files.

mod compare;
mod file;
mod gzip;
mod options;
mod pooled;
mod report;
mod source;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use std::{io, thread};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use pool_runtime::Pooled;
use rayon::prelude::*;

use crate::file::Squeezer;
use crate::options::Options;
use crate::pooled::{Buffer, Context};
use crate::report::{Failure, Report, Totals};
use crate::source::{Job, Plan};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("squeeze: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Compresses the files of the command line. Returns `false` if a file, named on standard error by now, could not be done.
fn run(options: &Options) -> io::Result<bool> {
    let start = Instant::now();
    pooled::set_level(options.level);
    let threads = match options.threads {
        Some(threads) => threads.into(),
        None => thread::available_parallelism()?.get(),
    };
    let workers = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(io::Error::other)?;

    let scratch;
    let plan = if options.paths.is_empty() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a package of a workspace");
        let out = match &options.out {
            Some(out) => out,
            None => {
                scratch = tempfile::tempdir()?;
                scratch.path()
            }
        };
        Plan::new([workspace], Some(out), &[workspace.join("target"), workspace.join(".git")])
    } else {
        Plan::new(options.paths.iter().map(AsRef::as_ref), options.out.as_deref(), &[])
    };
    for failure in &plan.failures {
        eprintln!("squeeze: {failure}");
    }

    let totals = workers.install(|| squeeze_all(&plan.jobs, options, threads));
    let report = Report {
        totals,
        skipped: plan.skipped,
        failed: plan.failures.len() as u64 + totals.failed,
        contexts: Context::pool().stats().created,
        buffers: Buffer::pool().stats().created,
        wall: start.elapsed(),
    };
    report.print()?;

    if options.compare {
        let blocks = compare::sample(&plan.jobs, options.block);
        writeln!(io::stdout(), "\n{}", workers.install(|| compare::pooled_against_fresh(&blocks)))?;
    }
    Ok(report.failed == 0)
}

/// Large files first, one after the other and each by all threads; then the small ones, each by one thread.
fn squeeze_all(jobs: &[Job], options: &Options, threads: usize) -> Totals {
    let progress = ProgressBar::new(jobs.iter().map(|job| job.len).sum());
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}");
    progress.set_style(style.expect("a template of known keys"));
    let squeezer = Squeezer { block: options.block, force: options.force, progress: &progress };
    let squeeze = |job: &Job, window: usize| {
        squeezer.squeeze(job, window).unwrap_or_else(|failure: Failure| {
            progress.suspend(|| eprintln!("squeeze: {failure}"));
            Totals { failed: 1, ..Totals::default() }
        })
    };

    let (large, small): (Vec<_>, Vec<_>) = jobs.iter().partition(|job| job.len > squeezer.large());
    let large = large.into_iter().map(|job| squeeze(job, file::window(threads))).sum::<Totals>();
    let small = small.into_par_iter().map(|job| squeeze(job, 1)).sum::<Totals>();
    progress.finish_and_clear();
    [large, small].into_iter().sum()
}
