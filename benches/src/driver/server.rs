//! The example `server` under `wrk`, with each store of contexts. Both are programs of their own, and neither is this one's child that
//! answers questions: the driver starts them, and reads from `/proc` what the server has used.
//!
//! All stores take turns at a cell. Each turn has a new server. It stays for ten seconds after its last request, while the next ones
//! work, and then says how much memory it still has. Its exit says whether an object was in use at the end.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use benches::protocol::{Kind, OURS, Scenario};
use benches::roster::THREAD_LOCAL_VEC;
use indicatif::ProgressBar;
use serde::Deserialize;

use crate::driver::options::Options;
use crate::driver::plan::{self, Cell, PER_SECOND};
use crate::driver::report::Report;
use crate::driver::{process, speed};

/// For how long `wrk` asks.
const LOAD: Duration = Duration::from_secs(2);

/// When a server's memory is read, after its last request.
const SILENCE: Duration = Duration::from_secs(10);

/// Rounds at the most: one takes two minutes.
const ROUNDS: u32 = 3;

/// A server, as it takes part.
struct Side {
    name: &'static str,
    kind: Kind,
    program: PathBuf,
    store: &'static str,
    backend: &'static str,
}

/// Measures all cells of the server that are wanted, and adds their figures.
pub(crate) fn measure(options: &Options, report: &mut Report) -> io::Result<()> {
    let cells: Vec<Cell> = plan::cells(options).into_iter().filter(|cell| cell.is_served()).collect();
    if cells.is_empty() {
        return Ok(());
    }
    let sides = match sides(options, &mut report.left_out) {
        Ok(sides) => sides,
        Err(reason) => {
            report.left_out.push(format!("server: {reason}"));
            return Ok(());
        }
    };
    let rounds = options.rounds.min(ROUNDS);
    let turns = cells.len() * sides.len() * rounds as usize;
    eprintln!("{turns} measurements of the server, {} s each and a little more", LOAD.as_secs());
    let progress = ProgressBar::new(turns as u64);
    let mut silent: VecDeque<Silent> = VecDeque::new();
    for round in 0..rounds as usize {
        for &cell in &cells {
            for number in 0..sides.len() {
                while silent.front().is_some_and(|first| first.until <= Instant::now()) {
                    silent.pop_front().expect("it is there").end(report);
                }
                let side = &sides[(number + round) % sides.len()];
                let before = speed::slowest();
                let measured = Server::start(side).and_then(|server| server.under_load(cell));
                let speed = speed::slowest().min(before);
                match measured {
                    Ok((server, figures)) => silent.push_back(Silent {
                        server,
                        until: Instant::now() + SILENCE,
                        turn: (cell, side.name, side.kind, speed),
                        figures,
                    }),
                    Err(error) => report.failures.push(format!("{}, {}: {error}", side.name, cell.heading())),
                }
                progress.inc(1);
            }
        }
    }
    for last in silent {
        thread::sleep(last.until.saturating_duration_since(Instant::now()));
        last.end(report);
    }
    progress.finish_and_clear();
    Ok(())
}

fn sides(options: &Options, left_out: &mut Vec<String>) -> Result<Vec<Side>, String> {
    if options.quick {
        return Err("it takes seconds for each measurement, too long for --quick".to_owned());
    }
    if let Err(error) = Command::new("wrk").arg("-v").output() {
        return Err(format!("`wrk`: {error}; it is Debian's package `wrk`"));
    }
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let folder = process::profile_folder(&this)?;
    process::cargo(folder, &["--package", "server", "--example", "server"])?;
    let program = folder.join("examples").join("server");
    let side = |name, kind, store, backend| Side { name, kind, program: program.clone(), store, backend };
    let mut sides = vec![
        side(OURS, Kind::Ours, "pooled", "rseq"),
        side(THREAD_LOCAL_VEC, Kind::Peer, "thread-local", "rseq"),
        side("no pool, glibc", Kind::Allocator, "pooled", "off"),
    ];
    if let Some(folder) = process::build(left_out, "the server on jemalloc", || process::allocators(&this)) {
        let program = folder.join("server-jemalloc");
        sides.push(Side { name: "no pool, jemalloc", kind: Kind::Allocator, program, store: "pooled", backend: "off" });
    }
    sides.retain(|side| options.takes(side.name));
    Ok(sides)
}

/// A server that runs. It is killed when this is dropped.
struct Server {
    child: Child,
    /// Open until it has ended, or its last words would be an error.
    stdout: BufReader<ChildStdout>,
    /// `http://` and its address.
    url: String,
}

type Figures = BTreeMap<String, f64>;

impl Server {
    fn start(side: &Side) -> io::Result<Self> {
        let mut command = Command::new(&side.program);
        command.args(["--listen", "127.0.0.1:0", "--collect", "2", "--store", side.store]);
        let mut child = command.env("POOL_BACKEND", side.backend).stdout(Stdio::piped()).spawn()?;
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut server = Self { child, stdout, url: String::new() };
        let mut line = String::new();
        server.stdout.read_line(&mut line)?;
        let url = line.strip_prefix("listening on ").and_then(|rest| rest.split_once("/,"));
        server.url = url.ok_or_else(|| io::Error::other(format!("the server said `{line}`")))?.0.to_owned();
        Ok(server)
    }

    fn under_load(self, cell: Cell) -> io::Result<(Self, Figures)> {
        let before = self.cpu_time()?;
        let counted = self.wrk(cell).map_err(io::Error::other)?;
        let cpu = self.cpu_time()? - before;
        let figures = [
            ("cpu_us", cpu.as_secs_f64() * 1e6 / counted.requests as f64),
            (PER_SECOND, counted.requests as f64 * 1e6 / counted.micros.max(1) as f64),
            ("p50_ms", counted.p50 as f64 / 1e3),
            ("p99_ms", counted.p99 as f64 / 1e3),
            ("p999_ms", counted.p999 as f64 / 1e3),
            ("peak_mib", self.mib("VmHWM:")?),
        ];
        Ok((self, figures.map(|(name, value)| (name.to_owned(), value)).into()))
    }

    fn wrk(&self, cell: Cell) -> Result<Counted, String> {
        let path = if cell.scenario == Scenario::ServerGzip { "gzip" } else { "zstd" };
        let output = Command::new("wrk")
            .args(["-t1", &format!("-c{}", cell.threads), &format!("-d{}s", LOAD.as_secs()), "--timeout", "30s", "-s"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/driver/server.lua"))
            .args([&format!("{}/{path}", self.url), "--", &cell.size.to_string()])
            .output()
            .map_err(|error| format!("`wrk`: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let line = said.lines().find(|line| line.starts_with('{'));
        let Some(line) = line.filter(|_| output.status.success()) else {
            return Err(format!("`wrk`: {}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr)));
        };
        let counted: Counted = serde_json::from_str(line).map_err(|error| format!("`{line}`: {error}"))?;
        match counted {
            Counted { requests: 0, .. } => Err("no request was answered".to_owned()),
            Counted { failed: 1.., .. } => Err(format!("{} of {} requests failed", counted.failed, counted.requests)),
            _ => Ok(counted),
        }
    }

    fn proc(&self, file: &str) -> io::Result<String> {
        fs::read_to_string(Path::new("/proc").join(self.child.id().to_string()).join(file))
    }

    /// The CPU time of all its threads so far, which the kernel tells in hundredths of a second.
    fn cpu_time(&self) -> io::Result<Duration> {
        let stat = self.proc("stat")?;
        // After the name, which may contain anything: state is field 3, utime and stime are 14 and 15.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(10 * ticks))
    }

    fn mib(&self, name: &str) -> io::Result<f64> {
        let status = self.proc("status")?;
        let kib =
            status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0).ok_or_else(|| io::Error::other(format!("no `{name}` in its status")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, unless there was an error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server after its last request.
struct Silent {
    server: Server,
    until: Instant,
    turn: (Cell, &'static str, Kind, f64),
    figures: Figures,
}

impl Silent {
    /// Reads its memory, lets it stop, and adds the figures.
    fn end(mut self, report: &mut Report) {
        let (cell, name, kind, speed) = self.turn;
        match self.stop() {
            Ok(after) => {
                self.figures.insert("after_mib".to_owned(), after);
                report.add(cell, name, kind, self.figures, speed);
            }
            Err(error) => report.failures.push(format!("{name}, {}: {error}", cell.heading())),
        }
    }

    fn stop(&mut self) -> io::Result<f64> {
        let after = self.server.mib("VmRSS:")?;
        Command::new("kill").args(["-TERM", &self.server.child.id().to_string()]).status()?;
        let status = self.server.child.wait()?;
        // It asserts that no object is in use.
        if status.success() { Ok(after) } else { Err(io::Error::other(format!("the server ended with {status}"))) }
    }
}

/// The line that `server.lua` prints. Times are in microseconds.
#[derive(Deserialize)]
struct Counted {
    requests: u64,
    micros: u64,
    p50: u64,
    p99: u64,
    p999: u64,
    failed: u64,
}
