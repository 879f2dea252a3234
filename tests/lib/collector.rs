//! Collectors to test, and waiting for their work.

use std::thread;
use std::time::{Duration, Instant};

use pool_runtime::Collector;
use pool_runtime::collector::Pressure;

/// An interval that does not end in a test.
pub const HOUR: Duration = Duration::from_secs(3600);

/// An interval of which a test sees many.
pub const SHORT: Duration = Duration::from_millis(20);

/// Starts a collector with this interval, which does not listen for pressure.
pub fn every(interval: Duration) -> Collector {
    Collector::builder().interval(interval).pressure(Pressure::Ignore).start().expect("no other is running")
}

/// Asks once in a millisecond whether `condition` holds, for half a minute: the collector's work has no event that a
/// test could wait for.
#[track_caller]
pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "not after half a minute: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The kernel's numbers of the collector's threads, which have a name. None on systems other than Linux.
pub fn threads() -> Vec<String> {
    #[cfg(target_os = "linux")]
    {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux tells the threads");
        let tasks = tasks.map(|task| task.expect("of this process").file_name().into_string().expect("a number"));
        // A thread that has ended meanwhile has no name.
        let comm = |task: &String| std::fs::read_to_string(format!("/proc/self/task/{task}/comm"));
        tasks.filter(|task| comm(task).is_ok_and(|comm| comm.trim() == "pool-collector")).collect()
    }
    #[cfg(not(target_os = "linux"))]
    Vec::new()
}
