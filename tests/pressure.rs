//! What the collector does on Linux: what it wakes up for, where it hears of memory pressure, what it answers, and what becomes
//! of it in a forked child. These tests count.
//!
//! Each runs in a process of its own: for the environment, for the threads, and for the one collector.
#![cfg(target_os = "linux")]

use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use pool_runtime::collector::{PressureSource, StartError};
use pool_runtime::{Collector, Pooled};
use tests::child;
use tests::collector::{HOUR, SHORT, every, threads, wait_until};
use tests::cpu;
use tests::guards::hold;

/// How often the thread has given up its CPU by its own will: each time that it sleeps.
fn sleeps(thread: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/self/task/{thread}/status")).expect("the thread is there");
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).expect("Linux counts");
    line.trim().parse().expect("a number")
}

/// As many sleeps as intervals, however busy the pools are.
#[test]
fn it_wakes_up_for_its_interval_and_for_nothing_else() {
    #[derive(Default, Pooled)]
    struct Page(u8);

    if !child::is_child() {
        child::run_and_pass("it_wakes_up_for_its_interval_and_for_nothing_else", |child| child);
        return;
    }
    if cpu::is_emulated() {
        println!("left out: the emulator's sleeps are counted, too");
        return;
    }
    let slept = |interval: Duration| {
        let collector = Collector::builder().interval(interval).start().expect("no other is running");
        wait_until("the thread has its name", || threads().len() == 1);
        let thread = threads().remove(0);
        wait_until("it sleeps", || sleeps(&thread) > 0);
        let (before, start) = (sleeps(&thread), Instant::now());
        while start.elapsed() < Duration::from_millis(1000) {
            drop(hold::<Page>(50));
            thread::sleep(Duration::from_micros(100));
        }
        let slept = sleeps(&thread) - before;
        let elapsed = start.elapsed();
        drop(collector);
        // A thread that was joined is listed for a moment more, and would be taken for the next one.
        wait_until("the thread is gone", || threads().is_empty());
        (slept, elapsed)
    };
    assert_eq!(slept(HOUR).0, 0);
    let interval = Duration::from_millis(50);
    let (slept, elapsed) = slept(interval);
    let intervals = (elapsed.as_nanos() / interval.as_nanos()) as u64;
    // A sweep may wait for a list that is in another thread's hands, which is rare, and is no sleep but for that.
    assert!((intervals / 2..=intervals + 2).contains(&slept), "slept {slept} times in {elapsed:?}");
}

/// A folder of this test, that is removed with this.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("pool-collector-{}-{name}", std::process::id()));
        fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    fn fifo(&self) -> PathBuf {
        let path = self.0.join("fifo");
        let name = CString::new(path.as_os_str().as_bytes()).expect("no zero");
        // SAFETY: a string with a zero at its end.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Low: one step of ageing. Medium: two. Critical: everything.
#[test]
fn pressure_that_lasts_is_answered_harder() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000)]
    struct Page(u8);

    if !child::is_child() {
        let folder = Folder::new("levels");
        let fifo = folder.fifo();
        child::run_and_pass("pressure_that_lasts_is_answered_harder", |child| {
            child.env("MEMORY_PRESSURE_WATCH", fifo).env_remove("MEMORY_PRESSURE_WRITE")
        });
        return;
    }
    let fifo = env::var_os("MEMORY_PRESSURE_WATCH").expect("it was set");
    let collector = Collector::builder().interval(HOUR).start().expect("no other is running");
    assert_eq!(collector.pressure_source(), PressureSource::Environment(fifo.clone().into()));
    assert_eq!(collector.pressure_errors(), []);
    // Victims, idle, dropped by age and by collect.
    let is = |expected: [u64; 4]| {
        wait_until(&format!("{expected:?}"), || {
            let stats = Page::pool().stats();
            [stats.victims as u64, stats.idle as u64, stats.dropped.age, stats.dropped.collect] == expected
        });
    };
    cpu::pin();
    drop(hold::<Page>(10));
    is([0, 10, 0, 0]);
    let pressure = || fs::write(&fifo, "!").expect("it is read from");
    pressure();
    is([10, 10, 0, 0]);
    drop(hold::<Page>(20));
    is([0, 20, 0, 0]);
    pressure();
    is([0, 0, 20, 0]);
    for shortage in 1..=3 {
        drop(hold::<Page>(5));
        pressure();
        is([0, 0, 20, 5 * shortage]);
    }
    drop(collector);
}

#[test]
fn a_source_that_cannot_be_had_is_reported_and_the_interval_works() {
    #[derive(Default, Pooled)]
    struct Page(u8);

    let name = "a_source_that_cannot_be_had_is_reported_and_the_interval_works";
    if !child::is_child() {
        let folder = Folder::new("missing");
        for path in [folder.0.join("missing").into_os_string(), OsString::from_vec(b"/not unicode \xff".to_vec())] {
            child::run_and_pass(name, |child| child.env("MEMORY_PRESSURE_WATCH", path));
        }
        return;
    }
    let path = env::var_os("MEMORY_PRESSURE_WATCH").expect("it was set");
    let collector = Collector::builder().interval(SHORT).start().expect("no other is running");
    let error = collector.pressure_errors().remove(0).to_string();
    assert!(error.starts_with(&format!("`{}`: No such file", path.to_string_lossy())), "{error}");
    assert!(error.ends_with("in the environment variable MEMORY_PRESSURE_WATCH"), "{error}");
    assert!(!matches!(collector.pressure_source(), PressureSource::Environment(_)));
    drop(hold::<Page>(5));
    wait_until("the interval works", || Page::pool().stats().dropped.age == 5);
    drop(collector);
    // Who asks not to listen has no errors.
    let collector = every(SHORT);
    assert_eq!((collector.pressure_source(), collector.pressure_errors()), (PressureSource::None, Vec::new()));
}

/// A supervisor that goes away takes pressure along, and nothing else.
#[test]
fn a_source_that_is_lost_is_reported_and_the_interval_works() {
    #[derive(Default, Pooled)]
    struct Page(u8);

    let name = "a_source_that_is_lost_is_reported_and_the_interval_works";
    if !child::is_child() {
        let folder = Folder::new("lost");
        let path = folder.0.join("socket");
        let listener = UnixListener::bind(&path).expect("a new socket");
        let supervisor = thread::spawn(move || drop(listener.accept().expect("the child connects")));
        child::run_and_pass(name, |child| child.env("MEMORY_PRESSURE_WATCH", path).env_remove("MEMORY_PRESSURE_WRITE"));
        supervisor.join().expect("no panic");
        return;
    }
    let path = env::var_os("MEMORY_PRESSURE_WATCH").expect("it was set").into_string().expect("unicode");
    let collector = Collector::builder().interval(SHORT).start().expect("no other is running");
    wait_until("it is lost", || collector.pressure_source() == PressureSource::None);
    let errors: Vec<_> = collector.pressure_errors().iter().map(ToString::to_string).collect();
    assert_eq!(errors, [format!("`{path}`: closed by the other end")]);
    drop(hold::<Page>(5));
    wait_until("the interval works", || Page::pool().stats().dropped.age == 5);
    drop(collector);
}

/// A forked child has no collector, may start one, and does not disturb the parent's.
#[test]
fn a_forked_child_starts_its_own() {
    #[derive(Default, Pooled)]
    struct Page(u8);

    if !child::is_child() {
        child::run_and_pass("a_forked_child_starts_its_own", |child| child);
        return;
    }
    let collector = every(SHORT);
    drop(hold::<Page>(5));
    wait_until("the parent's works", || Page::pool().stats().dropped.age == 5);
    for first_its_own in [true, false] {
        // SAFETY: the child uses pools, which are made for this, and glibc's allocator, and leaves without a return.
        let forked = unsafe { libc::fork() };
        if forked == 0 {
            // SAFETY: no precondition; the handler is the default one, which ends the process.
            unsafe { libc::alarm(30) };
            let life = || {
                let its_own = first_its_own.then(|| every(SHORT));
                drop(collector);
                let its_own = its_own.unwrap_or_else(|| every(SHORT));
                assert!(matches!(Collector::builder().start(), Err(StartError::Running)));
                drop(hold::<Page>(5));
                wait_until("the child's works", || Page::pool().stats().dropped.age == 10);
                drop(its_own);
                drop(every(HOUR));
            };
            let status = catch_unwind(AssertUnwindSafe(life)).is_err().into();
            // SAFETY: no precondition.
            unsafe { libc::_exit(status) };
        }
        let mut status = 0;
        // SAFETY: the child is ours and is waited for once.
        while unsafe { libc::waitpid(forked, &mut status, 0) } != forked {}
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "the child ended with {status:#x}");
    }
    drop(hold::<Page>(5));
    wait_until("the parent's goes on", || Page::pool().stats().dropped.age == 10);
    drop(collector);
    drop(every(HOUR));
}
