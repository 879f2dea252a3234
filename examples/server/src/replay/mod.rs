//! `--replay`: a day of load in ten minutes, for four servers side by side, and the picture of their memory.
//!
//! The servers are processes of their own, and all are given the same load by this one. They differ in their store alone, and in
//! whether there is a collector. Its interval is a part of the day, as the load's hours are.

mod client;
mod day;
mod picture;
mod side;

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::options::Options;
use day::Day;
use side::Side;

/// Samples of a day.
const SAMPLES: u32 = 288;

/// Ageing steps of a day: at ten minutes, one each ten seconds.
const STEPS: u32 = 60;

/// The answers of one server.
#[derive(Default)]
struct Answers {
    right: AtomicU64,
    wrong: AtomicU64,
}

/// The memory of one server over the day, in MiB, and its answers.
struct Curve {
    name: &'static str,
    mib: Vec<f64>,
    answers: Arc<Answers>,
}

/// Plays the day, prints the figures, and draws the picture.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let length = Duration::from_secs_f64(60.0 * options.minutes);
    // An error here should not come after ten minutes.
    let in_words =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot write `{}`: {error}", options.svg.display()));
    let mut svg = File::create(&options.svg).map_err(in_words)?;
    println!("a day in {:.0} seconds; the picture goes to `{}`", length.as_secs_f64(), options.svg.display());
    let sides = Side::all(length / STEPS)?;
    let day = Day::new(length, options.clients.into());
    let curves = runtime::Runtime::new()?.block_on(play(day, &sides))?;
    for side in sides {
        side.stop()?;
    }
    let text = picture::draw(day, &curves).map_err(io::Error::other)?;
    svg.write_all(text.as_bytes()).map_err(in_words)?;
    report(&curves)
}

/// Gives all servers the load of the day, and looks at their memory meanwhile.
async fn play(day: Day, sides: &[Side]) -> io::Result<Vec<Curve>> {
    let mut clients = JoinSet::new();
    let mut curves: Vec<Curve> =
        sides.iter().map(|side| Curve { name: side.name, mib: Vec::new(), answers: Arc::default() }).collect();
    for (side, curve) in sides.iter().zip(&curves) {
        for number in 0..day.most {
            clients.spawn(client::work(day, number, side.address, curve.answers.clone()));
        }
    }
    for number in 1..=SAMPLES {
        sleep_until(Instant::from_std(day.start) + day.length * number / SAMPLES).await;
        for (side, curve) in sides.iter().zip(&mut curves) {
            curve.mib.push(side.resident()?);
        }
    }
    while clients.join_next().await.is_some() {}
    Ok(curves)
}

/// The figures at the end. An answer that was wrong is an error.
fn report(curves: &[Curve]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{:<28}{:>10}{:>12}{:>18}", "", "answers", "most, MiB", "at the end, MiB")?;
    for curve in curves {
        let (most, last) = (curve.mib.iter().copied().fold(0.0, f64::max), curve.mib.last().copied().unwrap_or(0.0));
        writeln!(out, "{:<28}{:>10}{most:>12.1}{last:>18.1}", curve.name, curve.answers.right.load(Relaxed))?;
    }
    match curves.iter().map(|curve| curve.answers.wrong.load(Relaxed)).sum() {
        0 => Ok(()),
        wrong => Err(io::Error::other(format!("{wrong} requests had no right answer"))),
    }
}
