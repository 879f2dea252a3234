//! The machine of a run, and the share of it that other programs had.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cpus: usize,
    pub(crate) system: String,
    pub(crate) rust: String,
    /// Empty if there is no Go.
    pub(crate) go: String,
    pub(crate) date: String,
}

impl Machine {
    pub(crate) fn here(go: &Path) -> Self {
        let first_line = |mut command: Command| {
            let output = command.output().map(|output| output.stdout).unwrap_or_default();
            String::from_utf8_lossy(&output).lines().next().unwrap_or_default().to_owned()
        };
        let ask = |program: &str, argument: &str| {
            let mut command = Command::new(program);
            command.arg(argument);
            first_line(command)
        };
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let go_version = Command::new(go).arg("version").output().map(|output| output.stdout).unwrap_or_default();
        Self {
            processor: model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned()),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", ask("uname", "-s"), ask("uname", "-r")),
            rust: ask("rustc", "--version"),
            go: String::from_utf8_lossy(&go_version).trim().trim_start_matches("go version ").to_owned(),
            date: ask("date", "+%F"),
        }
    }
}

/// CPU time spent since boot, in ticks: by all processes, and by this one with the children it has waited for.
#[derive(Clone, Copy)]
pub(crate) struct Busy {
    all: u64,
    ours: u64,
    total: u64,
}

impl Busy {
    pub(crate) fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let ticks: Vec<u64> =
            stat.lines().next().unwrap_or_default().split_whitespace().filter_map(|n| n.parse().ok()).collect();
        // user, nice, system, idle, iowait, irq, softirq, steal; the fields after them are counted in user already.
        let total = ticks.iter().take(8).sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();

        let own = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // After the name, which may contain anything: state is field 3, utime to cstime are 14 to 17.
        let fields = own.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ours = fields.split_whitespace().skip(11).take(4).filter_map(|n| n.parse::<u64>().ok()).sum();
        Self { all: total - idle, ours, total }
    }

    /// The share of the machine that other processes have had since then, once all children have ended. `None` if the system
    /// does not say.
    pub(crate) fn others(self) -> Option<f64> {
        let now = Self::now();
        let total = now.total.checked_sub(self.total).filter(|&ticks| ticks > 0)?;
        let others = (now.all - self.all).saturating_sub(now.ours - self.ours);
        Some(others as f64 / total as f64)
    }
}
