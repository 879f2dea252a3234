//! One of the servers side by side.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use clap::ValueEnum;

use crate::store::Store;

/// A server that runs. It is killed when this is dropped.
pub(super) struct Side {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    child: Child,
    /// Open until it has ended, or its last words would be an error.
    stdout: BufReader<ChildStdout>,
}

impl Side {
    /// Starts all four. `interval` is that of the collector, which one of them has.
    pub(super) fn all(interval: Duration) -> io::Result<Vec<Self>> {
        let sides = [
            ("no pool", Store::None, Duration::ZERO),
            ("thread-locals", Store::ThreadLocal, Duration::ZERO),
            ("pooled, no collector", Store::Pooled, Duration::ZERO),
            ("pooled, with a collector", Store::Pooled, interval),
        ];
        sides.into_iter().map(|(name, store, interval)| Self::start(name, store, interval)).collect()
    }

    fn start(name: &'static str, store: Store, interval: Duration) -> io::Result<Self> {
        let store = store.to_possible_value().expect("no store is hidden");
        let mut child = Command::new(env::current_exe()?)
            .args(["--listen", "127.0.0.1:0", "--stall", "60", "--store", store.get_name()])
            .args(["--collect", &interval.as_secs_f64().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut side = Self { name, address: ([127, 0, 0, 1], 0).into(), child, stdout };
        let mut line = String::new();
        side.stdout.read_line(&mut line)?;
        let address = line.strip_prefix("listening on http://").and_then(|rest| rest.split_once('/')?.0.parse().ok());
        side.address = address.ok_or_else(|| io::Error::other(format!("the server said `{line}`")))?;
        Ok(side)
    }

    /// Its resident memory that is no file's, in MiB.
    pub(super) fn resident(&self) -> io::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB"));
        let kib: Option<f64> = line.and_then(|kib| kib.parse().ok());
        kib.map(|kib| kib / 1024.0).ok_or_else(|| io::Error::other("the system does not tell the memory of a process"))
    }

    /// Lets it stop. It says by its exit whether an object was in use.
    pub(super) fn stop(mut self) -> io::Result<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("`{}` ended with {status}", self.name))) }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // It has ended, unless there was an error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
