//! Which system calls the library makes, when, and what becomes of it where a filter refuses them: each line of the page
//! `pool-runtime/docs/system-calls.md`, with a real filter. The rows of the fence need restartable sequences, and say where
//! there are none.
//!
//! A filter cannot be taken off, so each runs in a process of its own.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::collections::BTreeSet;
use std::env;
use std::ffi::{c_int, c_long, c_void};
use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use pool_runtime::collector::{PressureSource, StartError};
use pool_runtime::{Backend, Collector, Guard, Pooled, Reason, registry};
use tests::collector::{HOUR, wait_until};
use tests::guards::hold;
use tests::seccomp::Answer::{self, Errno, Kill};
use tests::seccomp::{self, Filter};
use tests::{child, cpu, sequences};

static DROPPED: AtomicUsize = AtomicUsize::new(0);

#[derive(Default, Pooled)]
#[pooled(max_idle = 1000)]
struct Page(Vec<u8>);

impl Drop for Page {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Relaxed);
    }
}

#[derive(Default, Pooled)]
struct Unbounded(u8);

/// The flags that the library opens the kernel's files with when it is loaded, and no other code does.
const OPEN: i32 = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;

/// When a filter comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// Before the program is loaded.
    Load,
    /// In the program, before its first use of a pool.
    Use,
}

/// What becomes of the process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Becomes {
    /// It does its part.
    Passes,
    /// It is killed for the call that is refused.
    Dies,
}
use Becomes::{Dies, Passes};
use When::{Load, Use};

struct Row {
    /// As the page has it.
    call: &'static str,
    when: When,
    answer: Answer,
    becomes: Becomes,
    /// What the process does, and must find.
    part: fn(),
}

const fn row(call: &'static str, when: When, answer: Answer, becomes: Becomes, part: fn()) -> Row {
    Row { call, when, answer, becomes, part }
}

const EPERM: Answer = Errno(libc::EPERM);
const ENOSYS: Answer = Errno(libc::ENOSYS);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("openat", Load, EPERM, Passes, works_without_files),
    row("openat", Load, Kill, Dies, works_without_files),
    row("openat", Use, EPERM, Passes, uses_and_sweeps),
    row("openat", Use, Kill, Passes, uses_and_sweeps),
    row("read", Use, Kill, Passes, uses_and_sweeps),
    row("close", Use, Kill, Passes, uses_and_sweeps),
    row("openat (collector)", Use, EPERM, Passes, starts_a_collector_without_pressure),
    row("openat (collector)", Use, Kill, Dies, starts_a_collector),
    row("sched_getaffinity", Load, EPERM, Passes, counts_one_cpu_or_what_std_says),
    row("sched_getaffinity", Use, EPERM, Passes, uses_and_sweeps),
    row("membarrier", Load, EPERM, Passes, is_portable),
    row("membarrier", Load, Kill, Dies, is_portable),
    row("membarrier", Use, EPERM, Passes, uses_and_sweeps),
    row("membarrier", Use, ENOSYS, Passes, uses_and_sweeps),
    row("membarrier", Use, Kill, Dies, uses_and_sweeps),
    row("sched_setaffinity", Use, EPERM, Passes, uses_and_sweeps),
    row("sched_setaffinity", Use, Kill, Passes, uses_and_sweeps),
    row("getpid", Use, EPERM, Passes, uses_and_sweeps),
    row("getpid", Use, Kill, Dies, uses_and_sweeps),
    row("madvise", Load, EPERM, Passes, uses_and_sweeps),
    row("madvise", Load, Kill, Dies, uses_and_sweeps),
    row("clock_nanosleep", Use, EPERM, Passes, waits_for_other_sweeps),
    row("clock_nanosleep", Use, Kill, Dies, waits_until_it_sleeps),
    row("fcntl", Load, EPERM, Passes, reports_nothing),
    row("fcntl", Load, Kill, Dies, reports_nothing),
    row("socketpair", Use, EPERM, Passes, starts_no_collector),
    row("socketpair", Use, Kill, Dies, starts_a_collector),
    row("clone3, clone", Use, EPERM, Passes, starts_no_collector),
    row("clone3, clone", Use, Kill, Dies, starts_a_collector),
    row("rt_sigprocmask", Use, EPERM, Passes, has_a_collector),
    row("rt_sigprocmask", Use, Kill, Dies, has_a_collector),
    row("sched_setscheduler", Use, EPERM, Passes, has_a_collector),
    row("sched_setscheduler", Use, Kill, Dies, has_a_collector),
    row("getpriority, setpriority", Use, EPERM, Passes, has_a_collector),
    row("getpriority, setpriority", Use, Kill, Dies, has_a_collector),
    row("sched_setaffinity (collector)", Use, EPERM, Passes, has_a_collector),
    row("ppoll", Use, EPERM, Passes, has_a_collector_that_ends),
    row("ppoll", Use, Kill, Dies, has_a_collector_that_ends),
    #[cfg(target_arch = "aarch64")]
    row("uname", Load, EPERM, Passes, is_portable),
    #[cfg(target_arch = "aarch64")]
    row("uname", Load, Kill, Dies, is_portable),
];

impl Row {
    fn filter(&self) -> Filter {
        let calls: &[c_long] = match self.call {
            // The dynamic linker opens files, too.
            "openat" if self.when == Load => return Filter::refuse_open(OPEN, self.answer),
            #[cfg(target_arch = "x86_64")]
            "openat" | "openat (collector)" => &[libc::SYS_openat, libc::SYS_open],
            #[cfg(target_arch = "aarch64")]
            "openat" | "openat (collector)" => &[libc::SYS_openat],
            "read" => &[libc::SYS_read],
            "close" => &[libc::SYS_close],
            "sched_getaffinity" => &[libc::SYS_sched_getaffinity],
            "membarrier" => &[libc::SYS_membarrier],
            "madvise" => &[libc::SYS_madvise],
            "clock_nanosleep" => &[libc::SYS_clock_nanosleep, libc::SYS_nanosleep],
            "rt_sigprocmask" => &[libc::SYS_rt_sigprocmask],
            "sched_setscheduler" => &[libc::SYS_sched_setscheduler],
            "getpriority, setpriority" => &[libc::SYS_getpriority, libc::SYS_setpriority],
            "sched_setaffinity" | "sched_setaffinity (collector)" => &[libc::SYS_sched_setaffinity],
            "getpid" => &[libc::SYS_getpid],
            "fcntl" => &[libc::SYS_fcntl],
            "socketpair" => &[libc::SYS_socketpair],
            "clone3, clone" => &[libc::SYS_clone3, libc::SYS_clone],
            "ppoll" => &[libc::SYS_ppoll],
            "uname" => &[libc::SYS_uname],
            unknown => unreachable!("{unknown}"),
        };
        Filter::refuse(calls, self.answer)
    }

    /// Where the platform has no restartable sequences, there is no fence to be refused.
    fn is_of_the_fence(&self) -> bool {
        self.call == "membarrier" || self.call == "uname"
    }
}

const ROW: &str = "POOL_TESTS_ROW";

#[test]
fn each_line_of_the_page_holds() {
    if let Ok(number) = env::var(ROW) {
        let row = &ROWS[number.parse::<usize>().expect("a number")];
        if row.when == Use {
            row.filter().install().expect("the kernel has filters");
        }
        (row.part)();
        return;
    }
    if !seccomp::is_there() {
        return;
    }
    let rseq = sequences::are_used();
    for (number, row) in ROWS.iter().enumerate() {
        let what = format!("{}, {}: {:?}", row.call, if row.when == Load { "at load" } else { "later" }, row.answer);
        if row.is_of_the_fence() && !rseq {
            println!("{what}: left out, the backend is {}", pool_runtime::backend());
            continue;
        }
        let output = child::run("each_line_of_the_page_holds", |child| {
            child.env(ROW, number.to_string());
            if row.call == "fcntl" {
                child.env("POOL_BACKEND", "nonsense");
            }
            if row.when == Load { row.filter().install_in(child) } else { child }
        });
        let said = String::from_utf8_lossy(&output.stderr);
        match row.becomes {
            Passes => assert!(output.status.success(), "{what}: {}\n{said}", output.status),
            Dies => assert_eq!(output.status.signal(), Some(libc::SIGSYS), "{what}: {}\n{said}", output.status),
        }
    }
}

/// The page names what is tested, and what is tested is on the page.
#[test]
fn the_page_has_these_lines_and_no_other() {
    let page = include_str!("../../../pool-runtime/docs/system-calls.md");
    let lines = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let lines: BTreeSet<_> = lines.map(|call| call.replace('`', "")).filter(|call| call != "call").collect();
    let mut tested: BTreeSet<_> = ROWS.iter().map(|row| row.call.to_owned()).collect();
    tested.insert("uname".to_owned());
    assert_eq!(lines, tested);
}

/// Twenty objects are made, kept and dropped by each sweep.
fn uses_and_sweeps() {
    let off = pool_runtime::backend() == Backend::Off;
    for sweep in [registry::collect, || (0..2).for_each(|_| registry::age()), || Page::pool().set_max_idle(0)] {
        let before = DROPPED.load(Relaxed);
        drop(hold::<Page>(20));
        assert_eq!(Page::pool().idle(), if off { 0 } else { 20 });
        sweep();
        assert_eq!((Page::pool().idle(), DROPPED.load(Relaxed) - before), (0, 20));
        Page::pool().set_max_idle(1000);
    }
    assert!(Page::try_acquire().is_none());
    println!("{}", registry::stats());
}

fn works_without_files() {
    // By affinity: no quota was read.
    assert_eq!(Unbounded::pool().max_idle(), 64 * cpu::allowed().len());
    uses_and_sweeps();
}

fn counts_one_cpu_or_what_std_says() {
    assert_eq!(Unbounded::pool().max_idle(), 64);
    uses_and_sweeps();
}

fn is_portable() {
    assert!(matches!(pool_runtime::backend(), Backend::Portable(Reason::Membarrier | Reason::Kernel)));
    uses_and_sweeps();
}

fn reports_nothing() {
    uses_and_sweeps();
}

fn waits_for_other_sweeps() {
    sweep_at_once(Duration::from_secs(1));
}

/// It is killed long before.
fn waits_until_it_sleeps() {
    sweep_at_once(Duration::from_secs(30));
}

/// Long sweeps of several threads, which wait for each other, and no object is lost meanwhile.
fn sweep_at_once(time: Duration) {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 200_000)]
    struct Many(u8);

    let deadline = Instant::now() + time;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while Instant::now() < deadline {
                    Many::prefill(1000);
                    Many::pool().age();
                }
            });
        }
    });
    Many::pool().collect();
    let stats = Many::pool().stats();
    assert_eq!((stats.idle, stats.in_use), (0, 0));
    uses_and_sweeps();
}

fn has_a_collector() {
    let collector = Collector::builder().interval(Duration::from_millis(1)).start().expect("it does without");
    let before = DROPPED.load(Relaxed);
    drop(hold::<Page>(1));
    wait_until("it ages", || DROPPED.load(Relaxed) > before);
    drop(collector);
}

fn starts_a_collector() {
    drop(Collector::builder().start());
}

fn starts_a_collector_without_pressure() {
    let collector = Collector::builder().interval(HOUR).start().expect("a thread is all that it needs");
    assert_eq!(collector.pressure_source(), PressureSource::None);
    drop(collector);
}

fn starts_no_collector() {
    let error = Collector::builder().start().expect_err("it has no thread, or no alarm");
    assert!(matches!(&error, StartError::System(error) if error.raw_os_error() == Some(libc::EPERM)), "{error}");
}

fn has_a_collector_that_ends() {
    let collector =
        Collector::builder().interval(Duration::from_millis(10)).start().expect("a thread is all that it needs");
    wait_until("it cannot sleep", || !collector.pressure_errors().is_empty());
    let error = collector.pressure_errors().pop().expect("there is one").to_string();
    assert!(error.contains("poll: "), "{error}");
    drop(collector);
    uses_and_sweeps();
}

/// Without `membarrier` and without another fence, nothing is lost and nothing goes wrong: the local stacks keep what they
/// have, and are used as before.
#[test]
fn without_any_fence_the_private_stacks_stay() {
    if !seccomp::is_there() {
        return;
    }
    if !child::is_child() {
        child::run_and_pass("without_any_fence_the_private_stacks_stay", |child| child.env("POOL_BACKEND", "rseq"));
        return;
    }
    if !sequences::are_used() {
        println!("left out, the backend is {}", pool_runtime::backend());
        return;
    }
    let [here, there, ..] = cpu::allowed()[..] else {
        println!("left out, on one CPU a thread that sweeps is where it has to be");
        return;
    };
    let calls = [libc::SYS_membarrier, libc::SYS_sched_setaffinity];
    let use_on = |cpu| {
        cpu::pin_to(cpu);
        drop(Page::acquire());
    };
    std::thread::spawn(move || use_on(there)).join().expect("no panic");
    use_on(here);
    Filter::refuse(&calls, EPERM).install().expect("the kernel has filters");
    registry::collect();
    assert_eq!(DROPPED.load(Relaxed), 0);
    let page = Page::try_acquire().expect("it stayed");
    drop(Guard::into_inner(page));
    assert!(Page::try_acquire().is_none());
}

/// A reading of one moment has the threads out of the local stacks. Where the system refuses every way there is none, the others say what there is, and the
/// pool runs on.
#[test]
fn a_settled_reading_is_exact_or_there_is_none() {
    #[derive(Default, Pooled)]
    struct Unused(u8);

    if !seccomp::is_there() {
        return;
    }
    if !child::is_child() {
        child::run_and_pass("a_settled_reading_is_exact_or_there_is_none", |child| child.env("POOL_BACKEND", "rseq"));
        return;
    }
    if pool_runtime::backend() != Backend::Rseq {
        println!("left out, the backend is {}", pool_runtime::backend());
        return;
    }
    let [here, there, ..] = cpu::allowed()[..] else {
        println!("left out, on one CPU a thread that sweeps is where it has to be");
        return;
    };
    let use_on = |cpu| {
        cpu::pin_to(cpu);
        drop(hold::<Page>(10));
    };
    std::thread::spawn(move || use_on(there)).join().expect("no panic");
    use_on(here);
    let held = hold::<Page>(3);
    let settled =
        || Page::pool().settled_stats().map(|stats| (stats.idle + stats.in_use, stats.in_use, stats.unfenced));
    let all = settled().expect("nothing is refused").0;
    assert_eq!(settled(), Some((all, 3, 0)));
    Filter::refuse(&[libc::SYS_membarrier], EPERM).install().expect("the kernel has filters");
    assert_eq!((settled(), cpu::allowed()), (Some((all, 3, 0)), vec![here]));
    Filter::refuse(&[libc::SYS_sched_setaffinity], EPERM).install().expect("the kernel has filters");
    assert_eq!((settled(), settled()), (None, None));
    let stats = Page::pool().stats();
    assert_eq!((stats.idle + stats.in_use, stats.in_use), (all, 3));
    drop(held);
    for _ in 0..100 {
        drop(hold::<Page>(10));
    }
    let stats = Page::pool().stats();
    assert_eq!((stats.idle, stats.in_use), (all, 0), "it runs on, with what it had");
    assert_eq!(Unused::pool().settled_stats(), Some(Unused::pool().stats()), "nothing to be had out of");
}

/// A walk over the CPUs, for a sweeping thread: on several threads that use the pool on all CPUs meanwhile.
#[test]
fn a_thread_that_sweeps_without_membarrier_stays_where_it_was_bound() {
    if !seccomp::is_there() {
        return;
    }
    if !child::is_child() {
        child::run_and_pass("a_thread_that_sweeps_without_membarrier_stays_where_it_was_bound", |child| child);
        return;
    }
    Filter::refuse(&[libc::SYS_membarrier], EPERM).install().expect("the kernel has filters");
    let cpus = cpu::allowed();
    for &cpu in &cpus {
        std::thread::spawn(move || {
            cpu::pin_to(cpu);
            drop(hold::<Page>(10));
        })
        .join()
        .expect("no panic");
    }
    registry::collect();
    assert_eq!((Page::pool().idle(), cpu::allowed()), (0, cpus.clone()));
    for cpu in cpus {
        cpu::pin_to(cpu);
        drop(hold::<Page>(10));
        registry::collect();
        assert_eq!((Page::pool().idle(), cpu::allowed()), (0, vec![cpu]));
    }
}

/// Says which call it was, and ends the process.
extern "C" fn report(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // The kernel's `si_syscall`, behind the address of the call.
    // SAFETY: within what the kernel has written.
    let call = unsafe { info.byte_add(16 + size_of::<usize>()) };
    // SAFETY: the same; an integer.
    let call = unsafe { call.cast::<c_int>().read() };
    let digits = [100, 10, 1].map(|unit| b'0' + (call / unit % 10) as u8);
    for text in [&b"system call "[..], &digits, b" is not on the page\n"] {
        // SAFETY: the pointer is to as many bytes.
        unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
    }
    // SAFETY: no precondition.
    unsafe { libc::_exit(1) };
}

/// After the load, acquire, release, sweeps and statistics make these calls and no other. The collector's are not in it.
#[test]
fn later_calls_are_those_of_the_page() {
    /// Ours.
    const LIBRARY: &[c_long] = &[
        libc::SYS_membarrier,
        libc::SYS_sched_getaffinity,
        libc::SYS_getpid,
        // A sweep that waits for another thread.
        libc::SYS_sched_yield,
        libc::SYS_clock_nanosleep,
    ];
    /// Of the allocator, of a thread that ends, and of this test.
    const OTHERS: &[c_long] = &[
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_mprotect,
        libc::SYS_futex,
        libc::SYS_write,
        libc::SYS_exit_group,
    ];

    if !seccomp::is_there() {
        return;
    }
    if !child::is_child() {
        for backend in ["rseq", "portable", "off"] {
            let output = child::run("later_calls_are_those_of_the_page", |child| child.env("POOL_BACKEND", backend));
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{backend}: {}\n{said}", output.status);
        }
        return;
    }
    // SAFETY: all zeroes is an action without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = report as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: the handler does what a handler may.
    assert_eq!(unsafe { libc::sigaction(libc::SIGSYS, &action, std::ptr::null_mut()) }, 0);
    Filter::allow(&[LIBRARY, OTHERS].concat()).install_here().expect("the kernel has filters");
    uses_and_sweeps();
    drop(Unbounded::acquire());
    Unbounded::prefill(100);
    assert_eq!(Unbounded::pool().max_idle() % 64, 0);
    registry::collect();
    // Not by way of the harness, which does more.
    // SAFETY: no precondition.
    unsafe { libc::_exit(0) };
}
