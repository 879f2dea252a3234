//! What a collector costs that has nothing to do: the sleeps of its thread and its time, to the sleep. In a binary of its own: the
//! kernel counts a sleep more where somebody else listens to the same file.
//!
//! Each runs in a process of its own, for the one collector.
#![cfg(target_os = "linux")]

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use pool_runtime::collector::{self, PressureSource};
use pool_runtime::{Collector, Pooled};
use tests::collector::{HOUR, threads, wait_until};
use tests::guards::hold;
use tests::short_of_memory::{self, Cgroups};
use tests::{child, cpu};

/// A source of pressure that no program reports to.
struct Silence(PathBuf);

impl Silence {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("pool-idle-{}-{name}", process::id()));
        let fifo = CString::new(path.as_os_str().as_bytes()).expect("no zero");
        // SAFETY: a string with a zero at its end.
        assert_eq!(unsafe { libc::mkfifo(fifo.as_ptr(), 0o600) }, 0);
        Self(path)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Whether this is the child that the test is to be done in, which has a silent source.
fn alone(name: &str) -> bool {
    if child::is_child() {
        return true;
    }
    if cpu::is_emulated() {
        println!("left out: the emulator's sleeps are counted, too");
        return false;
    }
    let silence = Silence::new(name);
    let output = child::run_and_pass(name, |child| {
        child.env("MEMORY_PRESSURE_WATCH", &silence.0).env_remove("MEMORY_PRESSURE_WRITE")
    });
    print!("{}", String::from_utf8_lossy(&output.stdout));
    false
}

/// The collector's thread, asleep.
struct Asleep {
    collector: Collector,
    thread: String,
    sleeps: u64,
    time: Duration,
    start: Instant,
}

/// What the thread has done since.
#[derive(Debug)]
struct Since {
    sleeps: u64,
    /// Of the CPU; `None` where the kernel does not count it.
    time: Option<Duration>,
    elapsed: Duration,
}

impl Asleep {
    /// When a new collector has come to its poll.
    fn new(interval: Duration) -> Self {
        let collector = Collector::builder().interval(interval).start().expect("no other is running");
        wait_until("the thread has its name", || threads().len() == 1);
        let thread = threads().remove(0);
        // It may have slept on its way, for memory or for the kernel. A kernel that does not tell the system call is taken at its word.
        let polls = || match fs::read_to_string(format!("/proc/self/task/{thread}/syscall")) {
            Ok(call) => call.starts_with(&format!("{} ", libc::SYS_ppoll)),
            Err(_) => true,
        };
        wait_until("it sleeps", || sleeps(&thread) > 0 && polls());
        let (sleeps, time) = (sleeps(&thread), time(&thread).unwrap_or_default());
        Self { collector, thread, sleeps, time, start: Instant::now() }
    }

    fn since(&self) -> Since {
        Since {
            sleeps: sleeps(&self.thread) - self.sleeps,
            time: time(&self.thread).map(|time| time - self.time),
            elapsed: self.start.elapsed(),
        }
    }
}

/// How often a thread has given up its CPU by its own will: each time that it sleeps.
fn sleeps(thread: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/self/task/{thread}/status")).expect("the thread is there");
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).expect("Linux counts");
    line.trim().parse().expect("a number")
}

/// For how long it has had a CPU.
fn time(thread: &str) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
    stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// The default interval, for 20 s, with idle objects that are dropped in the second of two steps.
#[test]
fn an_idle_collector_sleeps_twice_in_twenty_seconds() {
    #[derive(Default, Pooled)]
    struct Page(u8);

    if !alone("an_idle_collector_sleeps_twice_in_twenty_seconds") {
        return;
    }
    drop(hold::<Page>(50));
    let asleep = Asleep::new(Duration::from_secs(10));
    wait_until("two steps", || collector::counts().interval == 2);
    // The second sleep begins when the step is over.
    wait_until("it sleeps again", || asleep.since().sleeps >= 2);
    thread::sleep(Duration::from_millis(500));
    let since = asleep.since();
    println!("{since:?}");
    assert_eq!((since.sleeps, collector::counts().interval), (2, 2), "{since:?}");
    // 0.4 ms in a release build.
    assert!(since.time.is_none_or(|time| time < Duration::from_millis(5)), "{since:?}");
    assert!(since.elapsed >= Duration::from_secs(20));
}

/// However busy the pools are.
#[test]
fn it_wakes_up_for_its_interval_and_for_nothing_else() {
    #[derive(Default, Pooled)]
    struct Page(u8);

    if !alone("it_wakes_up_for_its_interval_and_for_nothing_else") {
        return;
    }
    let busy = |asleep: &Asleep| {
        while asleep.start.elapsed() < Duration::from_secs(1) {
            drop(hold::<Page>(50));
            thread::sleep(Duration::from_micros(100));
        }
        asleep.since()
    };
    let asleep = Asleep::new(HOUR);
    let since = busy(&asleep);
    assert_eq!(since.sleeps, 0, "{since:?}");
    drop(asleep);
    // A thread that was joined is listed for a moment more, and would be taken for the next one.
    wait_until("the thread is gone", || threads().is_empty());

    let interval = Duration::from_millis(50);
    let asleep = Asleep::new(interval);
    let before = collector::counts().interval;
    let since = busy(&asleep);
    let steps = collector::counts().interval - before;
    let most = (since.elapsed.as_nanos() / interval.as_nanos()) as u64;
    assert!((1..=most + 1).contains(&steps), "{steps} steps: {since:?}");
    // A sweep may wait for a list that is in another thread's hands, which is rare, and is no sleep but for that. A step may be going on.
    assert!((steps.saturating_sub(1)..=steps + 2).contains(&since.sleeps), "{steps} steps: {since:?}");
}

/// Linux (6.18) wakes all threads that poll a cgroup's file when a trigger on it goes or fires, of whatever process (`psi_trigger_destroy`), and sends them back to
/// sleep: they do not return from `poll`.
#[test]
fn a_trigger_of_somebody_else_is_no_pressure() {
    let name = "a_trigger_of_somebody_else_is_no_pressure";
    if !child::is_child() {
        match Cgroups::new() {
            Ok(cgroups) => {
                let output = child::run_and_pass(name, |child| cgroups.put(child));
                print!("{}", String::from_utf8_lossy(&output.stdout));
            }
            Err(error) => println!("skipped: no cgroup can be made: {error}"),
        }
        return;
    }
    short_of_memory::enter();
    let asleep = Asleep::new(HOUR);
    let PressureSource::Cgroup(path) = asleep.collector.pressure_source() else {
        panic!("{} {:?}", asleep.collector.pressure_source(), asleep.collector.pressure_errors());
    };
    // No other process is in this cgroup, and a thread that sleeps waits for no memory.
    thread::sleep(Duration::from_secs(1));
    let since = asleep.since();
    assert_eq!(since.sleeps, 0, "{since:?}");
    for _ in 0..10 {
        let mut file = OpenOptions::new().read(true).write(true).open(&path).expect("it can be listened to");
        file.write_all(b"some 200000 2000000\0").expect("the kernel takes the trigger");
    }
    thread::sleep(Duration::from_millis(100));
    println!("{} sleeps for 10 triggers of somebody else", asleep.since().sleeps);
    let counts = collector::counts();
    assert_eq!([counts.interval, counts.low, counts.medium, counts.critical, counts.lost_sources], [0; 5]);
    assert_eq!(asleep.collector.pressure_source(), PressureSource::Cgroup(path));
    assert_eq!(asleep.collector.pressure_errors(), []);
}
