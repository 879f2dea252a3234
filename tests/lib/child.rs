//! A test of the running binary, run again in a process of its own.

use std::env;
use std::process::{Command, Output, Stdio};

use crate::watchdog::within_a_minute;

const CHILD: &str = "POOL_TESTS_CHILD";

/// Whether this process was started by [`run`].
pub fn is_child() -> bool {
    env::var_os(CHILD).is_some()
}

/// Runs the test `name` of this binary alone, in a child process in which [`is_child`] holds, after `change` has changed
/// how the child is started. The child's output is caught, unless `change` says otherwise.
#[track_caller]
pub fn run(name: &str, change: impl FnOnce(&mut Command) -> &mut Command) -> Output {
    let mut child = Command::new(env::current_exe().expect("the test binary has a path"));
    child.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    change(&mut child);
    let output = within_a_minute(name, move || child.spawn().and_then(|child| child.wait_with_output()));
    output.expect("the test binary starts")
}

/// Runs `part` in a process of its own: the test `name`, which calls this.
#[track_caller]
pub fn alone(name: &str, part: impl FnOnce()) {
    if is_child() {
        part();
    } else {
        run_and_pass(name, |child| child);
    }
}

/// [`run`], and the child must have passed exactly one test.
#[track_caller]
pub fn run_and_pass(name: &str, change: impl FnOnce(&mut Command) -> &mut Command) -> Output {
    let output = run(name, change);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} failed in its child:\n{stdout}\n{stderr}");
    assert!(stdout.contains("1 passed"), "{name} is not the name of a test:\n{stdout}");
    output
}
