//! How many CPUs a thread may run on (Linux).

use core::mem;

/// `None` on a machine with more CPUs than a `cpu_set_t` has places for, 1,024.
pub(super) fn of_calling_thread() -> Option<usize> {
    of(0)
}

/// The main thread has the number of the process.
pub(super) fn of_main_thread() -> Option<usize> {
    of(libc::pid_t::try_from(std::process::id()).ok()?)
}

fn of(thread: libc::pid_t) -> Option<usize> {
    // SAFETY: a set of CPUs is an array of integers, for which zero is a value: the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: the pointer is to a set of the given size, which is ours to write.
    let error = unsafe { libc::sched_getaffinity(thread, mem::size_of_val(&set), &mut set) };
    // SAFETY: the set was filled in.
    let count = unsafe { libc::CPU_COUNT(&set) };
    (error == 0).then(|| usize::try_from(count).ok()).flatten()
}
