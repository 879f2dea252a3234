//! The collector's thread is an ordinary one, whatever the thread is like that starts it.
//!
//! Each runs in a process of its own: for the one collector, and for what it does to its threads.
#![cfg(target_os = "linux")]

use std::os::unix::process::CommandExt as _;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::{fs, io, mem, ptr, thread};

use pool_runtime::{Collector, Pooled};
use tests::child::{self, alone};
use tests::collector::{HOUR, SHORT, every, threads, wait_until};
use tests::cpu;

/// What a thread's own raises.
const FAULTS: [libc::c_int; 6] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];

/// A line of what Linux tells of a thread of this process.
fn status(thread: &str, key: &str) -> String {
    let status = fs::read_to_string(format!("/proc/self/task/{thread}/status")).expect("the thread is there");
    let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("Linux tells it");
    line.trim_start_matches(':').trim().to_owned()
}

/// The number of the collector's thread, which has been started by a thread of its own that `change` has changed, and is asleep.
fn started(change: impl FnOnce() + Send) -> (Collector, String) {
    let start = || {
        change();
        every(HOUR)
    };
    let collector = thread::scope(|scope| scope.spawn(start).join().expect("no panic"));
    wait_until("the thread has its name", || threads().len() == 1);
    let thread = threads().remove(0);
    wait_until("it sleeps", || status(&thread, "State").starts_with('S'));
    (collector, thread)
}

/// The signals that a thread has blocked, from 1 to 64.
fn blocked(thread: &str) -> Vec<libc::c_int> {
    let mask = u64::from_str_radix(&status(thread, "SigBlk"), 16).expect("a number");
    (1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect()
}

fn own() -> String {
    cpu::thread_id().to_string()
}

/// jemalloc/jemalloc#917: the thread took the SIGTERM that a daemon was waiting for, and the process was killed.
#[test]
fn it_has_all_signals_blocked_but_faults() {
    alone("it_has_all_signals_blocked_but_faults", || {
        let before = blocked(&own());
        let (collector, thread) = started(|| {});
        // The last two are the C library's own.
        let open = [libc::SIGKILL, libc::SIGSTOP, 32, 33].into_iter().chain(FAULTS);
        let open: Vec<_> = open.collect();
        let expected: Vec<_> = (1..=64).filter(|signal| !open.contains(signal)).collect();
        assert_eq!(blocked(&thread), expected);
        assert_eq!(blocked(&own()), before, "the mask of who starts it");
        drop(collector);
    });
}

/// Who starts it has the mask that it had, if there is no thread to be had, too.
#[test]
fn a_start_that_fails_leaves_the_mask() {
    alone("a_start_that_fails_leaves_the_mask", || {
        let before = blocked(&own());
        let builder = Collector::builder().stack_size(usize::MAX / 4);
        assert!(builder.start().is_err(), "there is no such stack");
        assert_eq!(blocked(&own()), before);
        drop(every(HOUR));
    });
}

/// A program that reports its crashes, or that emulates system calls, has a handler for them.
#[test]
fn a_fault_in_a_drop_reaches_its_handler() {
    static HANDLED: [AtomicUsize; 65] = [const { AtomicUsize::new(0) }; 65];
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    #[derive(Default, Pooled)]
    struct Page(u8);
    impl Drop for Page {
        fn drop(&mut self) {
            for signal in FAULTS.into_iter().chain([libc::SIGUSR1]) {
                // SAFETY: no precondition.
                unsafe { libc::raise(signal) };
            }
            DROPPED.store(HANDLED.iter().map(|handled| handled.load(Relaxed)).sum(), Relaxed);
        }
    }
    extern "C" fn handle(signal: libc::c_int) {
        HANDLED[signal as usize].fetch_add(1, Relaxed);
    }

    alone("a_fault_in_a_drop_reaches_its_handler", || {
        for signal in FAULTS.into_iter().chain([libc::SIGUSR1]) {
            // SAFETY: all zeroes is an action without flags and with an empty mask.
            let mut action: libc::sigaction = unsafe { mem::zeroed() };
            action.sa_sigaction = handle as *const () as usize;
            // SAFETY: the handler adds to an atomic, and does nothing else.
            assert_eq!(unsafe { libc::sigaction(signal, &action, ptr::null_mut()) }, 0);
        }
        let collector = every(SHORT);
        drop(Page::acquire());
        wait_until("it is dropped", || DROPPED.load(Relaxed) > 0);
        assert_eq!(DROPPED.load(Relaxed), FAULTS.len());
        assert!(FAULTS.iter().all(|&signal| HANDLED[signal as usize].load(Relaxed) == 1));
        drop(collector);
    });
}

/// The policy and the nice value of a thread.
fn policy(thread: &str) -> (libc::c_int, libc::c_int) {
    let thread: libc::pid_t = thread.parse().expect("a number");
    // SAFETY: no precondition.
    let policy = unsafe { libc::sched_getscheduler(thread) };
    // SAFETY: no precondition.
    (policy, unsafe { libc::getpriority(libc::PRIO_PROCESS, thread as libc::id_t) })
}

/// Gives the calling thread a policy and a nice value. `false` if this process may not.
fn set_policy(policy: libc::c_int, priority: libc::c_int, nice: libc::c_int) -> bool {
    // SAFETY: the structure is made of integers, for which zero is a value. It has more than one in some C libraries.
    let mut parameters: libc::sched_param = unsafe { mem::zeroed() };
    parameters.sched_priority = priority;
    // SAFETY: the pointer is to a structure of ours.
    let policy = unsafe { libc::sched_setscheduler(0, policy, &parameters) };
    // SAFETY: no precondition.
    policy == 0 && unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) } == 0
}

#[test]
fn it_has_an_ordinary_policy() {
    alone("it_has_an_ordinary_policy", || {
        for (inherited, expected) in [
            ((libc::SCHED_FIFO, 5, 0), 0),
            ((libc::SCHED_RR, 5, -5), 0),
            ((libc::SCHED_OTHER, 0, -5), 0),
            // One who is nice wants what it starts to be nice.
            ((libc::SCHED_BATCH, 0, 7), 7),
            ((libc::SCHED_IDLE, 0, 0), 0),
        ] {
            let mut has = false;
            let (collector, thread) = started(|| has = set_policy(inherited.0, inherited.1, inherited.2));
            if has {
                assert_eq!(policy(&thread), (libc::SCHED_OTHER, expected), "of {inherited:?}");
            } else {
                println!("not tested: policy {inherited:?}: {}", io::Error::last_os_error());
            }
            drop(collector);
            wait_until("the thread is gone", || threads().is_empty());
        }
    });
}

/// A thread that has bound itself to a CPU starts it.
#[test]
fn it_is_bound_to_no_cpu() {
    alone("it_is_bound_to_no_cpu", || {
        let all = status(&own(), "Cpus_allowed_list");
        for cpu in cpu::allowed() {
            let (collector, thread) = started(|| cpu::pin_to(cpu));
            assert_eq!(status(&thread, "Cpus_allowed_list"), all, "started on {cpu}");
            drop(collector);
            wait_until("the thread is gone", || threads().is_empty());
        }
    });
}

/// The main thread, too, has bound itself by now, and the collector is started by it.
#[test]
fn it_is_not_bound_with_the_main_thread() {
    alone("it_is_not_bound_with_the_main_thread", || {
        let all = status(&own(), "Cpus_allowed_list");
        let cpu = cpu::allowed()[0];
        let (collector, thread) = started(|| {
            cpu::pin_to(cpu);
            cpu::pin_thread(std::process::id() as i32, cpu);
        });
        assert_eq!(status(&thread, "Cpus_allowed_list"), all);
        drop(collector);
    });
}

/// What `taskset` and a service manager have said holds.
#[test]
fn it_stays_on_the_cpus_of_the_process() {
    let name = "it_stays_on_the_cpus_of_the_process";
    if child::is_child() {
        let own = status(&own(), "Cpus_allowed_list");
        let (collector, thread) = started(|| {});
        assert_eq!(status(&thread, "Cpus_allowed_list"), own);
        assert!(!own.contains(['-', ',']), "{own} is one CPU");
        return drop(collector);
    }
    for cpu in cpu::allowed() {
        child::run_and_pass(name, |child| {
            // SAFETY: a system call, and nothing that has a lock.
            unsafe {
                child.pre_exec(move || {
                    cpu::pin_to(cpu);
                    Ok(())
                })
            }
        });
    }
}

/// The size of the calling thread's stack, and where it begins.
fn stack() -> (usize, usize) {
    // SAFETY: the structure is made of integers and pointers, for which zero is a value.
    let mut attributes: libc::pthread_attr_t = unsafe { mem::zeroed() };
    let (mut begin, mut size) = (ptr::null_mut(), 0);
    // SAFETY: no precondition.
    let this = unsafe { libc::pthread_self() };
    // SAFETY: this thread, and a structure of ours, which is filled in.
    assert_eq!(unsafe { libc::pthread_getattr_np(this, &mut attributes) }, 0);
    // SAFETY: the structure was filled in, and the pointers are to variables of ours.
    assert_eq!(unsafe { libc::pthread_attr_getstack(&attributes, &mut begin, &mut size) }, 0);
    // SAFETY: the structure was filled in, and is not used again.
    unsafe { libc::pthread_attr_destroy(&mut attributes) };
    (size, begin as usize)
}

/// The bytes of a stack that have been written to.
fn resident(begin: usize) -> usize {
    let maps = fs::read_to_string("/proc/self/smaps").expect("Linux tells it");
    let mut lines = maps.lines().skip_while(|line| {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let range = range.map(|(begin, end)| [begin, end].map(|place| usize::from_str_radix(place, 16)));
        !matches!(range, Some([Ok(from), Ok(to)]) if (from..to).contains(&begin))
    });
    let kib = lines.find_map(|line| line.strip_prefix("Rss:")).expect("Linux tells it");
    kib.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

/// A panic that prints a backtrace is what needs most of it.
#[test]
fn its_stack_is_small_and_has_room() {
    const KIB: usize = 1 << 10;
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    static BEGIN: AtomicUsize = AtomicUsize::new(0);
    #[derive(Default, Pooled)]
    struct Page(u8);
    impl Drop for Page {
        fn drop(&mut self) {
            let (size, begin) = stack();
            BEGIN.store(begin, Relaxed);
            SIZE.store(size, Relaxed);
            panic!("a panic that is reported");
        }
    }

    let name = "its_stack_is_small_and_has_room";
    if !child::is_child() {
        let output = child::run_and_pass(name, |child| child.env("RUST_BACKTRACE", "full"));
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(error.contains("a panic that is reported") && error.contains("stack backtrace:"), "{error}");
        return print!("{out}");
    }
    for (asked, expected) in [(None, 256 * KIB), (Some(1024 * KIB), 1024 * KIB)] {
        let builder = Collector::builder().interval(SHORT);
        let builder = asked.map_or(builder.clone(), |asked| builder.stack_size(asked));
        let collector = builder.start().expect("no other is running");
        // When the second is dropped the first has been reported.
        for _ in 0..2 {
            SIZE.store(0, Relaxed);
            drop(Page::acquire());
            wait_until("it is dropped", || SIZE.load(Relaxed) > 0);
        }
        let size = SIZE.load(Relaxed);
        assert!((expected..expected + 64 * KIB).contains(&size), "{size} bytes");
        println!("{} KiB of {} written to", resident(BEGIN.load(Relaxed)) / KIB, size / KIB);
        drop(collector);
    }
}
