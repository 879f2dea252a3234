//! How a thread of ours is started: an ordinary one, whatever the thread is like that starts it.
//!
//! A thread inherits from the one that starts it, and the collector's may be started by any thread of the program.
//!
//! - **Signals**: the thread has them blocked. A program that waits for SIGTERM blocks it in its own threads, and the kernel takes any thread
//!   that has it open: ours, where the default ends the process. Those that a fault of the thread itself raises stay as they
//!   are: the kernel kills a process whose fault is blocked, and the program may have a handler, which reports a crash, tells of
//!   an overflown stack, or stands in for a system call that a filter traps.
//! - **Policy** (Linux): `SCHED_OTHER`. Else a collector that a real-time thread starts would sweep in front of what the program has to
//!   do in time. A nice value below zero becomes zero; one above is what somebody asked for, and stays.
//! - **CPUs** (Linux): those that the process was given when it was started, by `taskset` or its service manager, and those that its main thread
//!   has now. A thread that has bound itself to a CPU does so for its own work.
//!
//! What the system refuses stays as it is inherited. A thread with the policy `SCHED_DEADLINE` cannot start any (`EAGAIN`).
//!
//! # Invariants
//!
//! 1. The mask of the calling thread is as before when [`spawn`] returns, and the new thread never ran with another than
//!    its own: it inherits it.

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

/// Whether this process has a thread of this name, of whatever library; one that is about to end has a moment for it. Linux alone tells.
pub(super) fn has_thread(name: &str) -> bool {
    /// A thread that has been joined is listed until the kernel is through with it.
    const MILLISECONDS: usize = 50;

    // Without a clock, which some systems have not.
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
    use core::mem::MaybeUninit;
    use core::ptr;

    /// What the kernel raises for what the thread itself has done.
    const FAULTS: [libc::c_int; 6] =
        [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];

    /// While this lives, the calling thread has all signals blocked; faults only if it had before. What it had blocked before, or
    /// nothing where a filter refuses it.
    pub(super) struct Blocked(Option<libc::sigset_t>);

    impl Blocked {
        pub(super) fn new() -> Self {
            let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
            // SAFETY: the pointer is to a set, which is filled in. It cannot fail.
            unsafe { libc::sigfillset(all.as_mut_ptr()) };
            for fault in FAULTS {
                // SAFETY: the set was filled in. The signal exists.
                unsafe { libc::sigdelset(all.as_mut_ptr(), fault) };
            }
            // SAFETY: the first set was filled in, and the second is ours to write.
            let error = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), before.as_mut_ptr()) };
            // SAFETY: filled in, where there is no error.
            Self((error == 0).then(|| unsafe { before.assume_init() }))
        }
    }

    impl Drop for Blocked {
        fn drop(&mut self) {
            let Some(before) = &self.0 else { return };
            // SAFETY: the set is the one that the thread had; the old one is not asked for.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, ptr::null_mut()) };
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod scheduling {
    use core::sync::atomic::AtomicUsize;
    use core::sync::atomic::Ordering::Relaxed;

    /// Words of a set of CPUs, as many as the kernel can be built for: 8,192.
    const WORDS: usize = 8192 / usize::BITS as usize;

    type Cpus = [usize; WORDS];

    /// As Linux has it: not every C library names it.
    const SCHED_OTHER: libc::c_int = 0;

    /// The CPUs of the main thread when the program was loaded, or the library that this is linked into; none if nobody has
    /// asked. `Relaxed`: it is written before a thread starts that reads it.
    static AT_LOAD: [AtomicUsize; WORDS] = [const { AtomicUsize::new(0) }; WORDS];

    #[cfg(not(miri))]
    extern "C" fn note() {
        if let Some(cpus) = of_main_thread() {
            AT_LOAD.iter().zip(cpus).for_each(|(word, cpus)| word.store(cpus, Relaxed));
        }
    }

    // In the same module as `AT_LOAD`, so in the same object file: a program is linked with both or neither.
    #[cfg(not(miri))]
    #[used]
    // SAFETY: the C library calls what stands in this section, with arguments that a C function need not take.
    #[unsafe(link_section = ".init_array.00098")]
    static NOTE: extern "C" fn() = note;

    /// Gives the calling thread the policy and the CPUs that the module's documentation promises.
    pub(super) fn make_ordinary() {
        let priority: libc::c_int = 0;
        // The system call: musl's function of that name always fails.
        // SAFETY: a real-time priority is all that the kernel's structure holds; zero is the calling thread.
        unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, SCHED_OTHER, &raw const priority) };
        // SAFETY: no precondition. On Linux the value is the calling thread's own.
        if unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) } < 0 {
            // SAFETY: no precondition.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 0) };
        }
        if let (Some(own), Some(main)) = (allowed(0), of_main_thread()) {
            unbind(&own, &main);
        }
    }

    fn unbind(own: &Cpus, main: &Cpus) {
        let wanted: Cpus = core::array::from_fn(|word| AT_LOAD[word].load(Relaxed) | main[word]);
        // Where nothing is missing the set is left alone: the kernel's own grows when the process is given more.
        if wanted.iter().zip(own).any(|(wanted, own)| wanted & !own != 0) {
            // SAFETY: the pointer is to a set of the given size. Of what is in it, the kernel takes what the cgroup lets it have.
            unsafe { libc::sched_setaffinity(0, size_of_val(&wanted), (&raw const wanted).cast()) };
        }
    }

    fn of_main_thread() -> Option<Cpus> {
        // SAFETY: no precondition. The main thread has the number of the process.
        allowed(unsafe { libc::getpid() })
    }

    /// The CPUs that a thread may run on; 0 is the calling thread.
    fn allowed(thread: libc::pid_t) -> Option<Cpus> {
        let mut cpus = [0; WORDS];
        // SAFETY: the pointer is to a set of the given size, which is ours to write.
        let error = unsafe { libc::sched_getaffinity(thread, size_of_val(&cpus), (&raw mut cpus).cast()) };
        (error == 0).then_some(cpus)
    }
}
