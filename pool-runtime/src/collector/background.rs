//! Starts the collector's thread as an ordinary thread, whichever thread starts it.
//!
//! A thread inherits from the thread that starts it, and any thread of the program may start the collector's.
//!
//! - **Signals**: the thread has them blocked. A program that waits for SIGTERM blocks it in its own threads, and the kernel takes any thread that
//!   has it open. That would be the collector's, and the default would end the process. The signals of the thread's own faults stay as they are: the
//!   kernel kills a process whose fault is blocked, and the program may have a handler, which reports a crash, tells of an overflown stack, or stands
//!   in for a system call that a filter traps.
//! - **Policy** (Linux): `SCHED_OTHER`. Else a collector that a real-time thread starts would sweep before the program's work that has a deadline. A
//!   nice value below zero becomes zero; a value above zero was asked for, and stays.
//! - **CPUs** (Linux): those that the process was given when it was started, by `taskset` or its service manager, and those that its main thread has
//!   now. A thread that has bound itself to a CPU does so for its own work.
//!
//! If the system refuses a change, the inherited state stays. A thread with the policy `SCHED_DEADLINE` cannot start a thread (`EAGAIN`).
//!
//! # Invariants
//!
//! 1. The mask of the calling thread is as before when [`spawn`] returns. The new thread inherits its mask, so it never ran with another.

use core::time::Duration;
use std::thread::{self, JoinHandle};
use std::{fs, io};

/// Starts a thread with this name and a stack of so many bytes.
pub(super) fn spawn(name: &str, stack_size: usize, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    #[cfg(unix)]
    let _restored = signals::Blocked::new();
    thread::Builder::new().name(name.to_owned()).stack_size(stack_size).spawn(move || {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        scheduling::make_ordinary();
        run();
    })
}

/// Whether this process has a thread of this name, of any library. A thread that is about to end has a moment for it. Only Linux tells.
pub(super) fn has_thread(name: &str) -> bool {
    /// A thread that has been joined is listed until the kernel is through with it.
    const MILLISECONDS: usize = 50;

    // Without a clock: some systems have none.
    for _ in 0..MILLISECONDS {
        if !is_listed(name) {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

fn is_listed(name: &str) -> bool {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return false };
    let names = threads.filter_map(|thread| fs::read(thread.ok()?.path().join("comm")).ok());
    names.into_iter().any(|comm| comm.trim_ascii_end() == name.as_bytes())
}

#[cfg(unix)]
mod signals {
    use crate::machine::system::Signals;

    /// The signals that the kernel raises for faults of the thread itself.
    const FAULTS: [libc::c_int; 6] =
        [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];

    /// While this lives, the calling thread has all signals blocked; faults only if it had before. Holds the mask as it was before, or nothing if a
    /// filter refuses the call.
    pub(super) struct Blocked(Option<Signals>);

    impl Blocked {
        pub(super) fn new() -> Self {
            Self(Signals::all_but(&FAULTS).block())
        }
    }

    impl Drop for Blocked {
        fn drop(&mut self) {
            if let Some(before) = &self.0 {
                before.block_no_others();
            }
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod scheduling {
    use core::ffi::c_ulong;
    use core::sync::atomic::AtomicUsize;
    use core::sync::atomic::Ordering::Relaxed;

    use crate::machine::affinity::{Cpus, WORDS};
    use crate::machine::system;

    /// The CPUs of the main thread when the program, or the library that this is linked into, was loaded; none if they were not read. `Relaxed`: they
    /// are written before a thread starts that reads them.
    static AT_LOAD: [AtomicUsize; WORDS] = [const { AtomicUsize::new(0) }; WORDS];

    #[cfg(not(miri))]
    fn note() {
        if let Some(cpus) = Cpus::of_main_thread() {
            AT_LOAD.iter().zip(cpus.0).for_each(|(word, cpus)| word.store(cpus as usize, Relaxed));
        }
    }

    #[cfg(not(miri))]
    system::at_load!(note);

    /// Gives the calling thread the policy and the CPUs that the module's documentation promises.
    pub(super) fn make_ordinary() {
        system::set_ordinary_policy();
        if system::nice() < 0 {
            system::set_nice(0);
        }
        if let (Some(own), Some(main)) = (Cpus::of(0), Cpus::of_main_thread()) {
            unbind(&own, &main);
        }
    }

    fn unbind(own: &Cpus, main: &Cpus) {
        let wanted = Cpus(core::array::from_fn(|word| AT_LOAD[word].load(Relaxed) as c_ulong | main.0[word]));
        // If no CPU is missing, the set is left alone: the kernel's own set grows when the process is given more.
        if wanted.0.iter().zip(own.0).any(|(wanted, own)| wanted & !own != 0) {
            // Of these CPUs the kernel takes those that the cgroup allows.
            wanted.bind();
        }
    }
}
