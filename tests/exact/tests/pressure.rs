//! What the collector does on Linux: where it hears of memory pressure, what it answers, and what becomes of it in a forked
//! child. What it wakes up for is in `idle`.
//!
//! Each runs in a process of its own: for the environment, for the threads, and for the one collector.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use pool_runtime::collector::{self, Pressure, PressureSource, StartError};
use pool_runtime::{Collector, Pooled};
use tests::child;
use tests::collector::{HOUR, SHORT, every, threads, wait_until};
use tests::cpu;
use tests::guards::hold;

/// Reports within this time are one, and a little more.
const WINDOW: Duration = Duration::from_millis(2300);

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
    let report = || fs::write(&fifo, "!").expect("it is read from");
    report();
    is([10, 10, 0, 0]);
    // Three reports 20 ms apart were low, medium and critical pressure.
    for _ in 0..2 {
        thread::sleep(Duration::from_millis(20));
        report();
    }
    thread::sleep(WINDOW);
    is([10, 10, 0, 0]);
    drop(hold::<Page>(20));
    is([0, 20, 0, 0]);
    report();
    is([0, 0, 20, 0]);
    for shortage in 1..=2 {
        thread::sleep(WINDOW);
        drop(hold::<Page>(5));
        report();
        is([0, 0, 20, 5 * shortage]);
    }
    drop(collector);
    let counts = collector::counts();
    assert_eq!([counts.interval, counts.low, counts.medium, counts.critical, counts.lost_sources], [0, 1, 1, 2, 0]);
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
fn a_source_that_is_lost_is_reported_and_replaced() {
    #[derive(Default, Pooled)]
    struct Page(u8);

    let name = "a_source_that_is_lost_is_reported_and_replaced";
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
    // The next in the order takes its place, if there is one here.
    wait_until("it is lost", || !matches!(collector.pressure_source(), PressureSource::Environment(_)));
    let errors: Vec<_> = collector.pressure_errors().iter().map(ToString::to_string).collect();
    assert_eq!(errors[0], format!("`{path}`: closed by the other end"));
    assert_eq!(collector::counts().lost_sources, 1);
    drop(hold::<Page>(5));
    wait_until("the interval works", || Page::pool().stats().dropped.age == 5);
    drop(collector);
}

/// Waits for a forked child, which must be well.
#[track_caller]
fn wait_for(forked: libc::pid_t) {
    let mut status = 0;
    // SAFETY: the child is ours and is waited for once.
    while unsafe { libc::waitpid(forked, &mut status, 0) } != forked {}
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "the child ended with {status:#x}");
}

/// Runs this in a forked child, which must be well.
#[track_caller]
fn in_forked_child(part: impl FnOnce()) {
    // SAFETY: the child uses std and glibc's allocator, which is made for this, and leaves without a return.
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        // SAFETY: no precondition; the handler is the default one, which ends the process.
        unsafe { libc::alarm(30) };
        let status = catch_unwind(AssertUnwindSafe(part)).is_err().into();
        // SAFETY: no precondition.
        unsafe { libc::_exit(status) };
    }
    wait_for(forked);
}

/// The descriptors that are open, and what each is open for.
fn descriptors() -> BTreeMap<i32, PathBuf> {
    let listed: Vec<_> =
        fs::read_dir("/proc/self/fd").expect("procfs is there").map(|entry| entry.expect("ours").path()).collect();
    // That of the folder itself is closed by now.
    let open = listed
        .into_iter()
        .filter_map(|path| Some((path.file_name()?.to_str()?.parse().ok()?, fs::read_link(path).ok()?)));
    open.collect()
}

/// The two of the thread stayed open.
#[test]
fn a_forked_child_closes_what_it_has_inherited_and_nothing_else() {
    let name = "a_forked_child_closes_what_it_has_inherited_and_nothing_else";
    if !child::is_child() {
        let folder = Folder::new("inherited");
        let path = folder.0.join("socket");
        child::run_and_pass(name, |child| child.env("MEMORY_PRESSURE_WATCH", path).env_remove("MEMORY_PRESSURE_WRITE"));
        return;
    }
    let path = env::var_os("MEMORY_PRESSURE_WATCH").expect("it was set");
    let listener = UnixListener::bind(path).expect("a new socket");
    let before = descriptors();
    let collector = Collector::builder().interval(HOUR).start().expect("no other is running");
    let (peer, _) = listener.accept().expect("it connects");
    let with_peer = before.len() + 1;
    assert_eq!(descriptors().len(), with_peer + 3);
    let mut handle = Some(collector);
    in_forked_child(|| {
        drop(handle.take());
        assert_eq!(descriptors().len(), with_peer);
    });
    // The source is lost, and another file has its number.
    drop(peer);
    wait_until("it is lost", || collector::counts().lost_sources == 1);
    let source = || handle.as_ref().expect("there is a parent").pressure_source();
    wait_until("it is replaced", || !matches!(source(), PressureSource::Environment(_)));
    let source = usize::from(source() != PressureSource::None);
    let files: Vec<_> = (0..4).map(|_| fs::File::open("/dev/null").expect("it is there")).collect();
    assert_eq!(descriptors().len(), before.len() + 2 + source + files.len());
    in_forked_child(|| {
        drop(handle.take());
        assert_eq!(descriptors().len(), before.len() + files.len());
        let null = |path: &PathBuf| path == "/dev/null";
        assert_eq!(
            descriptors().values().filter(|path| null(path)).count(),
            before.values().filter(|path| null(path)).count() + 4
        );
    });
    drop(handle);
    assert_eq!(descriptors().len(), before.len() + files.len());
}

/// It was an error if the source had taken one of the two.
#[test]
fn two_free_descriptors_are_enough_without_pressure() {
    #[derive(Default, Pooled)]
    struct Page(u8);

    let name = "two_free_descriptors_are_enough_without_pressure";
    if !child::is_child() {
        let folder = Folder::new("two");
        let fifo = folder.fifo();
        child::run_and_pass(name, |child| child.env("MEMORY_PRESSURE_WATCH", fifo).env_remove("MEMORY_PRESSURE_WRITE"));
        return;
    }
    let few = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
    // SAFETY: the pointer is to a limit of ours.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &few) }, 0);
    let mut files: Vec<_> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
    assert!(files.len() > 10, "{}", files.len());
    files.pop();
    assert!(matches!(Collector::builder().start(), Err(StartError::System(_))), "one is not enough");
    files.pop();
    let collector = Collector::builder().interval(SHORT).start().expect("two are enough");
    assert_eq!(collector.pressure_source(), PressureSource::None);
    let error = collector.pressure_errors().remove(0).to_string();
    assert!(error.contains("Too many open files"), "{error}");
    drop(hold::<Page>(5));
    wait_until("the interval works", || Page::pool().stats().dropped.age == 5);
    drop(collector);
}

/// Two copies of the crate have nothing in common but the name of the thread.
#[test]
fn of_two_copies_one_collects_unless_told() {
    if !child::is_child() {
        child::run_and_pass("of_two_copies_one_collects_unless_told", |child| child);
        return;
    }
    let (end, ended) = mpsc::channel::<()>();
    let other = thread::Builder::new().name("pool-collector".into());
    let other = other.spawn(move || ended.recv().expect_err("nothing is sent")).expect("a thread");
    wait_until("it has its name", || threads().len() == 1);
    let builder = || Collector::builder().interval(HOUR).pressure(Pressure::Ignore);
    let error = builder().start().expect_err("another copy's is there");
    assert!(matches!(error, StartError::Another));
    assert_eq!(
        error.to_string(),
        "a collector of another copy of `pool-runtime` is running in this process: write `beside_another(true)` for one \
         of this copy's pools"
    );
    drop(builder().beside_another(true).start().expect("it was told"));
    drop(end);
    other.join().expect("no panic");
    drop(builder().start().expect("the other is gone"));
}

/// A kernel's trigger takes up to 45 ms to go.
#[test]
fn a_collector_can_be_stopped_without_a_wait() {
    if !child::is_child() {
        child::run_and_pass("a_collector_can_be_stopped_without_a_wait", |child| {
            child.env_remove("MEMORY_PRESSURE_WATCH").env_remove("MEMORY_PRESSURE_WRITE")
        });
        return;
    }
    let collector = Collector::builder().interval(HOUR).start().expect("no other is running");
    wait_until("the thread has its name", || threads().len() == 1);
    let start = Instant::now();
    collector.stop();
    let stopped = start.elapsed();
    wait_until("the thread has ended", || threads().is_empty());
    let ended = start.elapsed();
    println!("{}: stopped in {stopped:?}, ended in {ended:?}", collector.pressure_source());
    collector.stop();
    drop(collector);
    drop(every(HOUR));
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
        wait_for(forked);
    }
    drop(hold::<Page>(5));
    wait_until("the parent's goes on", || Page::pool().stats().dropped.age == 10);
    drop(collector);
    drop(every(HOUR));
}
