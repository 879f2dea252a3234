//! A library is closed whose pools are in the registry of its host: both have the runtime from one library, as with `bevy_dylib`.
//!
//! (Filed as `hotreload`: the host's next `registry::stats()` was a segmentation fault.)
//!
//! Cargo builds everything with one set of flags, and this needs `-C prefer-dynamic`. So the test has cargo build a package of its own,
//! offline, from the sources in `shared`.
#![cfg(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static")))]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::{env, fs};

use tests::watchdog::within_a_minute;

/// A command that cargo is run with, for the package in this folder.
fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder).stdin(Stdio::null());
    cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
    cargo.env("RUSTFLAGS", "-C prefer-dynamic").env("CARGO_TARGET_DIR", folder.join("target"));
    cargo
}

/// Where the program and its library are built, once.
fn built() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shared");
        fs::create_dir_all(&folder).expect("cargo has made the folder above");
        let manifest = format!(
            r#"
[package]
name = "shared"
version = "0.0.0"
edition = "2024"
publish = false
autobins = false
autoexamples = false
[workspace]
[lib]
path = {lib:?}
crate-type = ["dylib"]
[[bin]]
name = "host"
path = {host:?}
[[example]]
name = "plugin"
path = {plugin:?}
crate-type = ["cdylib"]
[dependencies]
libc = "0.2"
pool-runtime = {{ path = {runtime:?} }}
[profile.dev]
debug = "line-tables-only"
"#,
            lib = tests.join("shared/lib.rs"),
            host = tests.join("shared/host.rs"),
            plugin = tests.join("shared/plugin.rs"),
            runtime = tests.join("../../pool-runtime"),
        );
        fs::write(folder.join("Cargo.toml"), manifest).expect("the folder can be written to");
        // The versions that cargo has fetched for the tests themselves.
        fs::copy(tests.join("../../Cargo.lock"), folder.join("Cargo.lock")).expect("the workspace has a lock file");
        let build = cargo(&folder).args(["build", "--quiet", "--offline", "--bins", "--examples"]).output();
        let build = build.expect("cargo starts");
        assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
        folder
    })
}

/// Runs the program, which must end well.
#[track_caller]
fn run(what: &'static str) -> Output {
    let folder = built();
    // Cargo knows where the libraries are.
    let mut host = cargo(folder);
    host.args(["run", "--quiet", "--offline", "--bin", "host", "--"]);
    host.arg(folder.join("target/debug/examples/libplugin.so")).arg(what);
    let output = within_a_minute(what, move || host.output()).expect("cargo starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    print!("{stdout}");
    assert!(output.status.success(), "{what}: {}\n{stdout}\n{stderr}", output.status);
    assert!(stdout.ends_with("done\n") || what == "exit", "{stdout}\n{stderr}");
    output
}

/// With sweeps, statistics and a collector of the host all the while, under signals.
#[test]
fn a_host_goes_on_without_a_library_that_was_closed() {
    let output = run("rounds");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_library_that_is_closed_takes_its_memory_along() {
    run("memory");
}

#[test]
fn objects_in_use_are_reported_before_the_library_is_closed() {
    let output = run("in-use");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        stderr,
        "pool-runtime: a library is unloaded: 1 object of the pool `plugin::Page` is in use: drop the guards first\n"
    );
}

#[test]
fn nothing_is_done_at_the_end_of_the_process() {
    let output = run("exit");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("dropped at the end: 0\n"));
}

#[test]
fn a_library_is_closed_after_its_objects_are_dropped() {
    run("dropping");
}
