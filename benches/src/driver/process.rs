//! A child process, and how each is built and started.

use std::io::{self, BufRead, BufReader, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};
use std::{env, fs};

use benches::protocol::{Answer, Greeting, Offer, Request, Scenario};

use crate::driver::options::{Backend, Options};

/// A running child. It ends when this is dropped, which closes its standard input.
pub(crate) struct Process {
    /// How to start it again.
    command: Command,
    child: process::Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub(crate) offers: Vec<Offer>,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new).expect("piped");
        let mut process = Self { command, child, stdin, stdout, offers: Vec::new() };
        let greeting: Greeting = process.read()?;
        process.offers = greeting.contestants;
        Ok(process)
    }

    /// Starts the program again, in place of this process and at other addresses: two addresses that differ by a multiple of
    /// 4,096 can slow a loop down by a quarter, and stay as they are as long as the process lives.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        let mut command = Command::new(self.command.get_program());
        command.args(self.command.get_args());
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let offers = mem::take(&mut self.offers);
        *self = Self::start(command)?;
        self.offers = offers;
        Ok(())
    }

    pub(crate) fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.stdin.as_mut().expect("open until the drop").write_all(&line)?;
        self.read()
    }

    fn read<T: serde::de::DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            let program = self.command.get_program().to_string_lossy();
            return Err(io::Error::other(format!("`{program}` ended in the middle: {}", self.child.wait()?)));
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stdin = None;
        // The child has nothing else to do, and its last answer is not read.
        let _ = self.child.wait();
    }
}

/// All children of a run, and a line for each that had to be left out.
pub(crate) fn start_all(options: &Options) -> io::Result<(Vec<Process>, Vec<String>)> {
    let this = env::current_exe()?;
    let mut processes = Vec::new();
    let mut left_out = Vec::new();

    let many_types = options.wants(Scenario::ColdTypes) || options.wants(Scenario::FirstUse);
    let cold = if options.quick || !many_types { None } else { build(&mut left_out, "1,000 types", || cold(&this)) };
    for backend in Backend::ALL {
        if !options.backend.is_empty() && !options.backend.contains(&backend) {
            continue;
        }
        let ours = |program: &Path| {
            let mut command = Command::new(program);
            command.env("POOL_BACKEND", backend.name());
            command
        };
        let mut command = ours(&this);
        command.args(["--child", "ours"]);
        let process = Process::start(command)?;
        // It says which backend it has.
        if !process.offers.iter().all(|offer| offer.name.ends_with(backend.name())) {
            left_out.push(format!("pool-runtime, {}: not on this machine", backend.name()));
            continue;
        }
        processes.push(process);
        if let Some(cold) = &cold {
            let mut command = ours(cold);
            command.arg("ours");
            processes.push(Process::start(command)?);
        }
    }
    let mut field = Command::new(&this);
    field.args(["--child", "field"]);
    processes.push(Process::start(field)?);
    if let Some(cold) = &cold {
        processes.push(Process::start(Command::new(cold))?);
    }

    if options.quick {
        left_out.push("no pool, jemalloc and mimalloc; pools of many types: not built for --quick".to_owned());
    } else if let Some(folder) = build(&mut left_out, "no pool, jemalloc and mimalloc", || allocators(&this)) {
        for allocator in ["jemalloc", "mimalloc"] {
            processes.push(Process::start(Command::new(folder.join(allocator)))?);
        }
    }
    if let Some(program) = build(&mut left_out, "Go", || go(&options.go, &this)) {
        processes.push(Process::start(Command::new(program))?);
    }
    Ok((processes, left_out))
}

pub(super) fn build(
    left_out: &mut Vec<String>,
    what: &str,
    build: impl FnOnce() -> Result<PathBuf, String>,
) -> Option<PathBuf> {
    build().map_err(|reason| left_out.push(format!("{what}: {reason}"))).ok()
}

/// The binary with 1,000 types.
fn cold(this: &Path) -> Result<PathBuf, String> {
    let folder = profile_folder(this)?;
    cargo(folder, &["--package", "benches", "--bin", "cold"])?;
    Ok(folder.join("cold"))
}

/// The folder with the binaries that have another allocator.
pub(super) fn allocators(this: &Path) -> Result<PathBuf, String> {
    let folder = profile_folder(this)?;
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/allocators/Cargo.toml");
    cargo(folder, &["--manifest-path", manifest])?;
    Ok(folder.to_owned())
}

/// The folder into which cargo put this program, and puts the other binaries.
pub(super) fn profile_folder(this: &Path) -> Result<&Path, String> {
    let folder = this.parent().expect("a program is in a folder");
    match folder.file_name().and_then(|name| name.to_str()) {
        Some("release") => Ok(folder),
        _ => Err("only built for a release build of `benches`".to_owned()),
    }
}

pub(super) fn cargo(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let target = folder.parent().ok_or("no target folder")?;
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release", "--locked"]).args(arguments).arg("--target-dir").arg(target);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdout(io::stderr());
    run(command)
}

/// The Go program.
fn go(go: &Path, this: &Path) -> Result<PathBuf, String> {
    let output = Command::new(go).arg("version").output().map_err(|error| format!("`{}`: {error}", go.display()))?;
    let version = String::from_utf8_lossy(&output.stdout);
    if version_of(&version).is_none_or(|version| version < (1, 23)) {
        return Err(format!("`{}` says `{}`; 1.23 or later is needed", go.display(), version.trim()));
    }
    let program = this.with_file_name("benches-go");
    let mut command = Command::new(go);
    command.args(["build", "-o"]).arg(&program).arg(".");
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/go")).env("GOTOOLCHAIN", "local").stdout(io::stderr());
    // Go keeps its build cache in the home folder, if there is one.
    if env::var_os("HOME").is_none() && env::var_os("GOCACHE").is_none() {
        let cache = this.with_file_name("go-cache");
        fs::create_dir_all(&cache).map_err(|error| format!("`{}`: {error}", cache.display()))?;
        command.env("GOCACHE", cache);
    }
    run(command)?;
    Ok(program)
}

/// `go version go1.27.3 linux/amd64` is (1, 27).
fn version_of(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix("go version go")?.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn run(mut command: Command) -> Result<(), String> {
    // The program prints its errors itself.
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{program}` could not build it: {status}")),
        Err(error) => Err(format!("`{program}`: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_go_is_read() {
        assert_eq!(version_of("go version go1.27.3 linux/amd64\n"), Some((1, 27)));
        assert_eq!(version_of("go version go1.23rc1 linux/amd64"), Some((1, 23)));
        assert_eq!(version_of("go: command not found"), None);
    }
}
