//! What is decided once in a process, by `POOL_BACKEND` and by the machine: each test runs itself again in a child
//! process, where the variable is what it needs, so these tests hold whatever it is here.

use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use pool_runtime::{Backend, Guard, Pooled, Reason, registry};
use tests::child;
use tests::counted;
use tests::cpu;

static RESETS: AtomicU64 = AtomicU64::new(0);
counted!(
    Page,
    PAGES,
    reset = |_: &mut Page| {
        RESETS.fetch_add(1, Relaxed);
    },
    max_idle = 100
);

counted!(Line, LINES, max_idle = 100);

/// Every release is kept: this process pools.
fn assert_pools() {
    cpu::pin();
    for _ in 0..3 {
        let held: Vec<_> = (0..10).map(|_| Line::acquire()).collect();
        held.iter().for_each(|line| line.0.assert_alive());
        drop(held);
        assert_eq!((LINES.made(), LINES.dropped(), Line::pool().idle()), (10, 0, 10));
    }
}

/// What the child wrote on standard error about the variable.
fn reports(stderr: &[u8]) -> Vec<String> {
    let stderr = String::from_utf8_lossy(stderr);
    stderr.lines().filter(|line| line.contains("POOL_BACKEND")).map(str::to_owned).collect()
}

fn backend(value: &str) -> impl FnOnce(&mut Command) -> &mut Command {
    move |child| child.env("POOL_BACKEND", value)
}

#[test]
fn off_makes_every_acquire_create_and_every_release_drop() {
    if !child::is_child() {
        let output = child::run_and_pass("off_makes_every_acquire_create_and_every_release_drop", backend("off"));
        assert_eq!(reports(&output.stderr), [""; 0]);
        return;
    }
    for round in 1..=10 {
        let held: Vec<_> = (0..10).map(|_| Page::acquire()).collect();
        held.iter().for_each(|page| page.0.assert_alive());
        assert_eq!((PAGES.made(), PAGES.dropped()), (10 * round, 10 * (round - 1)));
        drop(held);
        assert_eq!(PAGES.alive(), 0);
        assert!(Page::try_acquire().is_none());
        Page::pool().age();
        Page::pool().collect();
        registry::age();
        registry::collect();
        let stats = Page::pool().stats();
        assert_eq!((stats.idle, stats.victims, stats.in_use), (0, 0, 0));
        assert_eq!((stats.created, stats.dropped.off, stats.dropped.total()), (10 * round, 10 * round, 10 * round));
        PAGES.check(&stats, 0, 0);
    }
    // Nothing may come into the pool by another door.
    assert_eq!(Page::prefill(10), 0);
    assert_eq!(Page::pool().idle(), 0);
    drop(Page::adopt(Page(PAGES.make())));
    Page::pool().set_max_idle(1000);
    drop(Page::acquire());
    let stats = Page::pool().stats();
    assert_eq!((stats.adopted, stats.idle, stats.dropped.total()), (1, 0, stats.created + 1));
    assert_eq!(PAGES.alive(), 0);

    assert_eq!((pool_runtime::backend(), Backend::Off.to_string()), (Backend::Off, "off".to_owned()));

    // The ways out are as they always are.
    drop(Guard::into_inner(Page::acquire()));
    Guard::discard(Page::acquire());
    let stats = Page::pool().stats();
    assert_eq!((stats.detached, stats.dropped.discard), (1, 1));
    PAGES.check(&stats, 0, 0);
}

/// On many threads, too: none may find the pool open for a moment.
#[test]
fn off_is_off_from_the_first_use_on_every_thread() {
    if !child::is_child() {
        child::run_and_pass("off_is_off_from_the_first_use_on_every_thread", backend("off"));
        return;
    }
    let all = Barrier::new(16);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                all.wait();
                for _ in 0..100 {
                    drop(Page::acquire());
                    assert!(Page::try_acquire().is_none());
                }
            });
        }
    });
    assert_eq!((PAGES.made(), PAGES.alive()), (1600, 0));
    PAGES.check(&Page::pool().stats(), 0, 0);
}

#[test]
fn portable_pools() {
    if !child::is_child() {
        let output = child::run_and_pass("portable_pools", backend("portable"));
        assert_eq!(reports(&output.stderr), [""; 0]);
        return;
    }
    assert_pools();
    assert_eq!(pool_runtime::backend(), Backend::Portable(Reason::Asked));
    assert!(pool_runtime::backend().to_string().starts_with("portable: "));
}

/// For comparing, and for a kernel whose concurrency ids are faulty.
#[test]
fn slots_are_numbered_by_cpus_where_that_is_asked_for() {
    if !child::is_child() {
        let name = "slots_are_numbered_by_cpus_where_that_is_asked_for";
        let output = child::run_and_pass(name, backend("rseq-cpu"));
        assert!(reports(&output.stderr).iter().all(|report| report.contains("`portable` is used")));
        return;
    }
    assert_pools();
    match pool_runtime::backend() {
        found @ Backend::RseqCpu(reason) => {
            assert_eq!((reason, found.to_string()), (Reason::Asked, format!("rseq-cpu: {reason}")));
        }
        found => assert!(matches!(found, Backend::Portable(_)), "{found}"),
    }
}

/// What is asked for and cannot be had is reported once, with what is used instead, and why.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn what_cannot_be_had_is_reported() {
    if !child::is_child() {
        for value in ["rseq", "rseq-cpu"] {
            let output = child::run_and_pass("what_cannot_be_had_is_reported", |child| {
                child.env("POOL_BACKEND", value).env("GLIBC_TUNABLES", "glibc.pthread.rseq=0")
            });
            let reports = reports(&output.stderr);
            assert_eq!(reports.len(), 1, "{reports:?}");
            for word in [value, "`portable` is used"] {
                assert!(reports[0].contains(word), "{word:?} is missing: {}", reports[0]);
            }
        }
        return;
    }
    assert!(matches!(pool_runtime::backend(), Backend::Portable(_)));
    use_two_pools_on_many_threads();
}

/// Linux has them since 6.3, and glibc's areas have room for them in any version.
#[cfg(target_os = "linux")]
#[test]
fn concurrency_ids_are_used_where_the_kernel_has_them() {
    if !child::is_child() {
        let name = "concurrency_ids_are_used_where_the_kernel_has_them";
        child::run_and_pass(name, |child| child.env_remove("POOL_BACKEND"));
        return;
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux says its release");
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    let release = (numbers.next().expect("a number"), numbers.next().unwrap_or(0));
    let found = pool_runtime::backend();
    println!("Linux {release:?}: {found}");
    assert!(release < (6, 3) || !matches!(found, Backend::RseqCpu(_)));
    assert!(!matches!(found, Backend::RseqCpu(reason) if reason != Reason::ConcurrencyIds));
}

#[test]
fn unset_pools() {
    if !child::is_child() {
        let output = child::run_and_pass("unset_pools", |child| child.env_remove("POOL_BACKEND"));
        assert_eq!(reports(&output.stderr), [""; 0]);
        return;
    }
    assert_pools();
}

/// What a program does with its environment comes too late: it was loaded before.
#[cfg(target_os = "linux")]
#[test]
fn a_program_that_sets_the_variable_itself_comes_too_late() {
    if !child::is_child() {
        let name = "a_program_that_sets_the_variable_itself_comes_too_late";
        let output = child::run_and_pass(name, |child| child.env_remove("POOL_BACKEND"));
        assert_eq!(reports(&output.stderr), [""; 0]);
        return;
    }
    // SAFETY: the other thread of this process waits for this one.
    unsafe { std::env::set_var("POOL_BACKEND", "off") };
    assert_pools();
    assert_ne!(pool_runtime::backend(), Backend::Off);
}

/// `ci/vm.sh` reads here what the machine has.
#[test]
fn the_backend_stays_what_it_is() {
    let backend = pool_runtime::backend();
    println!("backend: {backend}");
    drop(Line::acquire());
    registry::collect();
    assert_eq!(pool_runtime::backend(), backend);
}

/// A program that is linked statically has restartable sequences like any other: its C library registers them.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(any(pool_portable, miri)),
))]
#[test]
fn glibc_has_restartable_sequences_since_2_35() {
    if !child::is_child() {
        child::run_and_pass("glibc_has_restartable_sequences_since_2_35", |child| child.env_remove("POOL_BACKEND"));
        return;
    }
    // SAFETY: no precondition.
    let version = unsafe { libc::gnu_get_libc_version() };
    // SAFETY: a C string, for good.
    let version = unsafe { std::ffi::CStr::from_ptr(version) };
    let minor = version.to_str().ok().and_then(|version| version.strip_prefix("2.")?.parse::<u32>().ok());
    let expected = minor.expect("glibc is 2.x") >= 35;
    let found = !matches!(pool_runtime::backend(), Backend::Portable(Reason::Platform | Reason::CLibrary));
    assert_eq!(found, expected, "glibc {version:?}: {}", pool_runtime::backend());
}

/// Reads the variable on many threads at once, in two pools, and again later.
fn use_two_pools_on_many_threads() {
    let all = Barrier::new(16);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                all.wait();
                drop((Page::acquire(), Line::acquire()));
            });
        }
    });
    Page::pool().collect();
    drop(Page::acquire());
    registry::collect();
    registry::age();
}

#[test]
fn an_unknown_value_is_reported_once_and_ignored() {
    if !child::is_child() {
        for value in ["nonsense", "Off", "OFF", "portable ", "0", "ro\u{df}"] {
            let name = "an_unknown_value_is_reported_once_and_ignored";
            let output = child::run_and_pass(name, backend(value));
            let reports = reports(&output.stderr);
            assert_eq!(reports.len(), 1, "{reports:?}");
            for word in ["POOL_BACKEND", value, "rseq-cpu", "portable", "off"] {
                assert!(reports[0].contains(word), "{word:?} is missing: {}", reports[0]);
            }
        }
        return;
    }
    use_two_pools_on_many_threads();
    Line::pool().collect();
    assert_eq!(LINES.alive(), 0);
    cpu::pin();
    let made = LINES.made();
    for _ in 0..10 {
        drop(Line::acquire());
    }
    assert_eq!((LINES.made() - made, Line::pool().idle()), (1, 1), "it is ignored: this process pools");
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_reported_once_and_ignored() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    if !child::is_child() {
        let name = "a_value_that_is_no_text_is_reported_once_and_ignored";
        let value = OsStr::from_bytes(b"of\xff");
        let output = child::run_and_pass(name, |child| child.env("POOL_BACKEND", value));
        assert_eq!(reports(&output.stderr).len(), 1);
        return;
    }
    assert_pools();
}

/// `acquire` never fails, and a report that cannot be written is no reason to.
#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_is_left_out() {
    if !child::is_child() {
        let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has /dev/full");
        let name = "a_report_that_cannot_be_written_is_left_out";
        let output = child::run(name, |child| child.env("POOL_BACKEND", "nonsense").stderr(full()));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    assert_pools();
}

/// `acquire` never waits: not for a thread that writes to standard error either.
#[test]
fn a_report_does_not_wait_for_a_thread_that_holds_standard_error() {
    if !child::is_child() {
        let name = "a_report_does_not_wait_for_a_thread_that_holds_standard_error";
        child::run_and_pass(name, backend("nonsense"));
        return;
    }
    let stderr = std::io::stderr().lock();
    let (ended, end) = std::sync::mpsc::channel();
    thread::spawn(move || {
        drop(Page::acquire());
        let _ = ended.send(());
    });
    let end = end.recv_timeout(std::time::Duration::from_secs(10));
    drop(stderr);
    assert!(end.is_ok(), "an acquire waits");
}

/// A thread that is bound to one CPU is the first who uses a pool, as in every server with a thread for each core: the
/// process has no fewer CPUs for that.
#[test]
fn a_pinned_thread_does_not_shrink_the_pools_of_the_process() {
    #[derive(Default, Pooled)]
    struct Unbounded(u8);

    if !child::is_child() {
        let output = child::run_and_pass("a_pinned_thread_does_not_shrink_the_pools_of_the_process", |child| child);
        assert_eq!(reports(&output.stderr), [""; 0]);
        return;
    }
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    cpu::pin();
    assert_eq!((Unbounded::acquire().0, Unbounded::pool().max_idle()), (0, 64 * cpus));
}
