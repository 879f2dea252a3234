//! The driver: starts the children, asks them in turns, and shows their figures.

mod documents;
mod machine;
mod markdown;
mod options;
mod picture;
mod plan;
mod process;
mod report;
mod server;
mod speed;
mod table;
mod targets;
mod terminal;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use benches::child;
use benches::protocol::{Answer, Measure, Request, Task};
use benches::roster::{field, ours};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use machine::{Busy, Machine};
use options::{Child, Options};
use plan::{Cell, Info};
use process::Process;
use report::Report;

/// A measurement takes so much longer than its time, for threads that start and end. Measured: 1 to 5 ms.
const OVERHEAD: Duration = Duration::from_millis(3);

/// Runs the benchmark as the command line says. Returns `false` if a contestant was found wrong.
pub(crate) fn run() -> io::Result<bool> {
    let options = Options::parse();
    match options.child {
        Some(Child::Ours) => return child::serve(&ours()).map(|()| true),
        Some(Child::Field) => return child::serve(&field()).map(|()| true),
        None => {}
    }
    let report: Report = match &options.from {
        Some(file) => serde_json::from_slice(&fs::read(file).map_err(|error| named(file, error))?)?,
        None => measure_all(&options)?,
    };
    if !options.quick {
        write!(io::stdout(), "{}", terminal::show(&report))?;
    }
    if !options.quick && options.from.is_none() {
        let (file, folder) = (&options.json, options.json.parent().unwrap_or(Path::new("")));
        fs::create_dir_all(folder).map_err(|error| named(folder, error))?;
        fs::write(file, serde_json::to_vec(&report)?).map_err(|error| named(file, error))?;
    }
    if let Some(folder) = &options.svg {
        fs::create_dir_all(folder).map_err(|error| named(folder, error))?;
        picture::draw_all(&report, folder)?;
    }
    for file in &options.docs {
        documents::rewrite(file, &report).map_err(|error| named(file, error))?;
    }
    Ok(report.failures.is_empty())
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

/// One contestant's turn at one cell.
struct Turn {
    process: usize,
    contestant: String,
    cell: Cell,
}

fn measure_all(options: &Options) -> io::Result<Report> {
    let (mut processes, left_out) = process::start_all(options)?;
    for process in &mut processes {
        process.offers.retain(|offer| options.takes(&offer.name));
    }
    let mut report = Report::new(Machine::here(&options.go), options.shown(), options.rounds, options.pin);
    for line in left_out {
        eprintln!("left out: {line}");
        report.left_out.push(line);
    }

    verify_all(&mut processes, &mut report)?;

    let rounds = if options.quick { 1 } else { options.rounds };
    let turns = turns(&plan::cells(options), &processes);
    let weights: u64 = turns.iter().map(|turn| turn.cell.weight()).sum();
    let total = Duration::from_secs(options.seconds.into()).saturating_sub(OVERHEAD * rounds * turns.len() as u32);
    let unit = if options.quick { 2 } else { (total.as_millis() as u64 / u64::from(rounds) / weights.max(1)).max(2) };
    let estimate = u64::from(rounds) * (weights * unit + OVERHEAD.as_millis() as u64 * turns.len() as u64) / 1000;
    let count = turns.len() * rounds as usize;
    if weights == 0 {
        eprintln!("{count} measurements, in {rounds} rounds, each of which takes its own time");
    } else {
        eprintln!(
            "{count} measurements of {unit} ms and more, in {rounds} rounds: about {estimate} s, and what takes its own time"
        );
    }

    let progress = ProgressBar::new(u64::from(rounds) * turns.len() as u64);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} eta {eta} {msg}").expect("a template of known keys");
    progress.set_style(style);
    let busy = Busy::now();
    for round in 0..rounds {
        for process in &mut processes {
            process.restart()?;
        }
        // Each round begins at another turn, so that no contestant is always first.
        let first = turns.len() * round as usize / rounds as usize;
        for turn in turns[first..].iter().chain(&turns[..first]) {
            progress.set_message(format!("{:?}: {}", turn.cell.scenario, turn.contestant));
            take(turn, &mut processes[turn.process], options.pin, unit, &mut report)?;
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    drop(processes);
    server::measure(options, &mut report)?;
    report.others = busy.others();
    report.finish();
    Ok(report)
}

/// Has every contestant checked. A contestant that fails is not measured.
fn verify_all(processes: &mut [Process], report: &mut Report) -> io::Result<()> {
    for process in processes {
        let mut offers = std::mem::take(&mut process.offers);
        for offer in &mut offers {
            match process.ask(&Request::Verify(offer.name.clone()))? {
                Answer::Verified { made } => report.verified(&offer.name, made),
                answer => {
                    eprintln!("wrong: {}: {answer:?}", offer.name);
                    report.failures.push(format!("{}: {answer:?}", offer.name));
                    offer.scenarios.clear();
                }
            }
        }
        process.offers = offers;
    }
    Ok(())
}

fn turns(cells: &[Cell], processes: &[Process]) -> Vec<Turn> {
    let mut turns = Vec::new();
    for &cell in cells {
        for (process, child) in processes.iter().enumerate() {
            let takes_part = child.offers.iter().filter(|offer| offer.scenarios.contains(&cell.scenario));
            turns.extend(takes_part.map(|offer| Turn { process, contestant: offer.name.clone(), cell }));
        }
    }
    turns
}

fn take(turn: &Turn, process: &mut Process, pin: bool, unit: u64, report: &mut Report) -> io::Result<()> {
    let Turn { contestant, cell, .. } = turn;
    if Info::of(cell.scenario).fresh {
        process.restart()?;
    }
    let task = Task { threads: cell.threads, size: cell.size, milliseconds: unit * cell.weight(), pin };
    let measure = Measure { contestant: contestant.clone(), scenario: cell.scenario, task };
    let before = speed::slowest();
    let answer = process.ask(&Request::Measure(measure))?;
    let speed = speed::slowest().min(before);
    match answer {
        Answer::Figures(figures) => {
            let kind = process.offers.iter().find(|offer| offer.name == *contestant).map(|offer| offer.kind);
            report.add(*cell, contestant, kind.expect("it took part because it offered"), figures, speed);
        }
        Answer::LeftOut(_) => {}
        answer => {
            let line = format!("{contestant}, {:?} on {} threads: {answer:?}", cell.scenario, cell.threads);
            eprintln!("wrong: {line}");
            report.failures.push(line);
        }
    }
    Ok(())
}
