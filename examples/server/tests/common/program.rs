//! The server as a program.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::Value;

use super::client::Client;

/// A server that runs. It is killed when this is dropped.
pub struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub address: SocketAddr,
}

/// `server`, which `cargo test -p server` builds before it runs the tests. With `--test` alone it does not.
pub fn command() -> Command {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).expect("tests are built into `deps`");
    let program = target.join("examples").join("server").with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "`{}` is not there: `cargo test -p server` builds it", program.display());
    Command::new(program)
}

impl Program {
    /// Starts it on a port that is free.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = command();
        command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").and_then(|rest| rest.split_once('/'));
        let address = address.and_then(|(address, _)| address.parse().ok());
        Self { child, stdout, address: address.unwrap_or_else(|| panic!("no address in `{line}`")) }
    }

    /// Connections that are open beside that of this question, and objects in use.
    pub async fn health(&self) -> (u64, u64) {
        let mut client = Client::new(self.address).await;
        let answer = client.get("/health").await;
        client.close().await;
        let health: Value = serde_json::from_slice(&answer.body).unwrap();
        (health["connections"].as_u64().unwrap() - 1, health["in_use"].as_u64().unwrap())
    }

    /// Waits until no connection is open and no object in use.
    pub async fn is_quiet(&self) {
        let start = Instant::now();
        loop {
            let health = self.health().await;
            if health == (0, 0) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(15), "connections and objects that stay: {health:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Memory that is resident and no file's, in KiB.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Asks it to stop.
    pub fn ask_to_stop(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits until it has ended, and returns its last line. It has said that no object was in use, or its exit would be no success.
    pub fn end(mut self) -> String {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "it does not end");
            thread::sleep(Duration::from_millis(5));
        };
        let (mut said, mut errors) = (String::new(), String::new());
        self.stdout.read_to_string(&mut said).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert!(status.success() && errors.is_empty(), "{status}: {said}{errors}");
        assert!(said.contains("in use 0"), "{said}");
        said
    }

    pub fn stop(self) -> String {
        self.ask_to_stop();
        self.end()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
