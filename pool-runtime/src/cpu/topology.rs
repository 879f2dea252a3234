//! How many CPUs there are (Linux).

use core::mem;
use std::fs;

/// How many CPUs the calling thread may run on. `None` on a machine with more than a `cpu_set_t` has places for, 1,024.
pub(super) fn of_calling_thread() -> Option<usize> {
    allowed(0)
}

/// How many CPUs the main thread may run on: the one that has the number of the process.
pub(super) fn of_main_thread() -> Option<usize> {
    allowed(libc::pid_t::try_from(std::process::id()).ok()?)
}

/// How many numbers of CPUs this machine can ever have, gaps included.
pub(super) fn possible() -> Option<usize> {
    parse_possible(&fs::read_to_string("/sys/devices/system/cpu/possible").ok()?)
}

fn allowed(thread: libc::pid_t) -> Option<usize> {
    // SAFETY: a set of CPUs is an array of integers, for which zero is a value: the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: the pointer is to a set of the given size, which is ours to write.
    let error = unsafe { libc::sched_getaffinity(thread, mem::size_of_val(&set), &mut set) };
    // SAFETY: the set was filled in.
    let count = unsafe { libc::CPU_COUNT(&set) };
    (error == 0).then(|| usize::try_from(count).ok()).flatten()
}

/// One more than the largest number in a list of ranges, as in `0-3,8-11`.
fn parse_possible(list: &str) -> Option<usize> {
    list.trim().split([',', '-']).map(|number| number.parse::<usize>().ok()).max().flatten().map(|largest| largest + 1)
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::parse_possible;

    #[test]
    fn the_largest_number_counts() {
        assert_eq!(parse_possible("0\n"), Some(1));
        assert_eq!(parse_possible("0-63\n"), Some(64));
        assert_eq!(parse_possible("0-3,8-11\n"), Some(12));
        assert_eq!(parse_possible(""), None);
        assert_eq!(parse_possible("none"), None);
    }
}
