//! A child of the system call `clone` that has the same process number as its parent, as the init of a container that starts another:
//! each is number 1 in its PID namespace.
//!
//! The C library knows nothing of such a child, so its allocator's locks may be held by a thread that does not exist: the test has
//! an allocator without.
#![cfg(target_os = "linux")]

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use std::{io, ptr, thread};

use pool_runtime::collector::{PressureSource, StartError};
use pool_runtime::{Collector, Pooled, registry};
use tests::allocator::Bump;
use tests::child;
use tests::collector::{HOUR, every};
use tests::guards::hold;

#[global_allocator]
static BUMP: Bump = Bump;

#[derive(Default, Pooled)]
#[pooled(max_idle = 100_000)]
struct Page(u64);

/// Begins `life` in a child that is the first process of a PID namespace of its own. Its status is 100 where it panics.
fn begin(life: impl FnOnce() -> i32) -> io::Result<libc::pid_t> {
    let flags: libc::c_long = libc::c_long::from(libc::CLONE_NEWPID | libc::SIGCHLD);
    let null = ptr::null::<u8>();
    // SAFETY: without a stack of its own the child goes on with a copy of this one. It uses pools, an allocator without locks, and
    // leaves without a return.
    let child = unsafe { libc::syscall(libc::SYS_clone, flags, null, null, null, null) };
    match child {
        0 => {
            let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(life)).unwrap_or(100);
            // SAFETY: no precondition.
            unsafe { libc::_exit(status) }
        }
        child if child > 0 => Ok(child as libc::pid_t),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The status that a child leaves with; 101 if a signal has ended it, and 102 if it hangs.
fn end(child: libc::pid_t, limit: Duration) -> i32 {
    let begin = Instant::now();
    let mut status = 0;
    loop {
        // SAFETY: the child is ours and has not been waited for.
        match unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } {
            0 if begin.elapsed() < limit => thread::sleep(Duration::from_millis(1)),
            0 => {
                // SAFETY: no precondition. The first process of a namespace takes this signal from outside of it alone.
                unsafe { libc::kill(child, libc::SIGKILL) };
                // SAFETY: as above.
                unsafe { libc::waitpid(child, &mut status, 0) };
                return 102;
            }
            _ if libc::WIFEXITED(status) => return libc::WEXITSTATUS(status),
            _ => return 101,
        }
    }
}

fn number() -> u32 {
    std::process::id()
}

/// The outer process: threads that sweep all the time, and children that are made in the middle of it. How many hang, or go wrong.
fn outer() -> i32 {
    static ENDED: AtomicBool = AtomicBool::new(false);
    if number() != 1 {
        return 103;
    }
    let collector = Collector::builder().interval(HOUR).start().expect("no other is running");
    let source = collector.pressure_source();
    drop(hold::<Page>(1000));
    let sweepers = [0, 1].map(|_| {
        thread::spawn(|| {
            while !ENDED.load(Relaxed) {
                registry::age();
                drop(hold::<Page>(20));
            }
        })
    });
    // A handle whose drop is the child's; the outer process keeps its own.
    let mut handle = Some(collector);
    let mut wrong = 0;
    for round in 0..50 {
        let inner = || {
            if number() != 1 {
                return 1;
            }
            let collector = handle.take().expect("it was inherited");
            // Most do nothing but sweep, in the middle of a sweep that is going on.
            if round < 40 {
                std::mem::forget(collector);
                registry::age();
                pool_runtime::collect();
                return 0;
            }
            if collector.pressure_source() != PressureSource::None || !collector.pressure_errors().is_empty() {
                return 2;
            }
            // A child may start its own before, or after.
            let its_own = (round % 2 == 0).then(|| every(HOUR));
            drop(collector);
            let its_own = its_own.unwrap_or_else(|| every(HOUR));
            if !matches!(Collector::builder().start(), Err(StartError::Running)) {
                return 3;
            }
            drop(its_own);
            drop(hold::<Page>(20));
            registry::age();
            pool_runtime::collect();
            0
        };
        let status = begin(inner).map_or(104, |child| end(child, Duration::from_secs(10)));
        if status != 0 {
            println!("child {round}: {status}");
            wrong += 1;
        }
        if wrong == 3 {
            break;
        }
    }
    ENDED.store(true, Relaxed);
    sweepers.into_iter().for_each(|sweeper| sweeper.join().expect("no panic"));
    // The collector has lost nothing by it.
    let collector = handle.expect("the children have taken copies");
    assert_eq!(collector.pressure_source(), source);
    assert!(matches!(Collector::builder().start(), Err(StartError::Running)));
    drop(collector);
    wrong
}

#[test]
fn a_child_with_its_parents_number_is_a_child() {
    let name = "a_child_with_its_parents_number_is_a_child";
    if !child::is_child() {
        let output = child::run_and_pass(name, |child| child);
        return print!("{}", String::from_utf8_lossy(&output.stdout));
    }
    match begin(outer) {
        Ok(outer) => assert_eq!(end(outer, Duration::from_secs(50)), 0),
        Err(error) => println!("not tested: a PID namespace: {error}"),
    }
}
