//! The mark of this process: a child of `fork` is another process than its parent, and cannot wait for a lock that a thread of the
//! parent holds.
//!
//! A process's number does not tell. The init of a container that makes a PID namespace of its own is number 1 on both sides of the
//! `clone`; and the system gives a number that is free again, to a grandchild for instance. Linux fills a page with zeroes in a child if
//! it is asked to (`MADV_WIPEONFORK`, since 4.14). It does so when it copies the memory, so no way to make a child escapes it: neither
//! `fork` nor `_Fork` nor the system call `clone`. `pthread_atfork` is told of the first of them alone, and its function would go with a
//! library that is unloaded.
//!
//! A child that has its parent's memory and no copy (`vfork`, or `clone` with `CLONE_VM`) is the same process here. It has to be: the threads
//! that hold its locks exist, and it waits for them. A number would say that it may take their locks.
//!
//! Without such a page, on an older kernel and on other systems, the process's number stands in for it. A system without processes,
//! as WebAssembly is, counts as one process.
//!
//! # Invariants
//!
//! 1. The page's word is zero in a process that has not asked yet. The process then takes the number after `LAST`, of which a child has
//!    a copy. So a generation is larger than those of all ancestors. Siblings may have the same generation, and share no memory.
//! 2. Whether there is a page is decided once (`wiped_word`), before [`current`] first returns, and a child has the decision from its parent. So a
//!    generation is never compared with a process's number.
//!
//! # Orderings
//!
//! All are `Relaxed`: the kernel has written the page, and a generation orders nothing.

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
use wiped::generation;

/// The mark of this process: the same for all of its threads, different from every ancestor's, and never zero.
///
/// Costs two loads and less than 2 ns; the system call that asks for the number took 550 ns beside it.
pub(crate) fn current() -> u32 {
    generation().unwrap_or_else(number)
}

#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
fn generation() -> Option<u32> {
    None
}

/// The number that the system has given the process.
fn number() -> u32 {
    // std panics on a system without processes.
    if cfg!(any(unix, windows)) { std::process::id() } else { 1 }
}

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
mod wiped {
    use core::sync::atomic::AtomicU32;
    use core::sync::atomic::Ordering::Relaxed;

    use crate::machine::system;

    /// The generation that this process or an ancestor took last.
    static LAST: AtomicU32 = AtomicU32::new(0);

    /// Decides when the program is loaded: a filter that the program enters later need not let it have the page.
    fn note() {
        generation();
    }

    system::at_load!(note);

    pub(super) fn generation() -> Option<u32> {
        let word = system::wiped_word()?;
        match word.load(Relaxed) {
            0 => Some(begin(word)),
            generation => Some(generation),
        }
    }

    /// Begins a generation, unless another thread has.
    #[cold]
    fn begin(word: &AtomicU32) -> u32 {
        let next = LAST.fetch_add(1, Relaxed) + 1;
        word.compare_exchange(0, next, Relaxed, Relaxed).map_or_else(|first| first, |_| next)
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    use core::{cmp::Ordering, ffi::c_void, ptr};

    use super::current;
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    use crate::machine::system::tests::wait_for;

    #[test]
    fn all_threads_are_of_one_process() {
        let here = current();
        assert_ne!(here, 0);
        assert_eq!(current(), here);
        assert_eq!(std::thread::spawn(current).join().unwrap(), here);
    }

    /// The comparison of this process with a child of the system call `clone` with these flags, of which the C library knows nothing. A
    /// child that shares this process's memory has a stack of its own.
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    fn compare_child(flags: libc::c_int) -> Ordering {
        extern "C" fn compare(parent: *mut c_void) -> libc::c_int {
            (current() as usize).cmp(&parent.addr()) as libc::c_int & 0xff
        }

        let mut stack = vec![0_u128; 4096];
        let (top, here) = (stack.as_mut_ptr_range().end, ptr::without_provenance_mut(current() as usize));
        // SAFETY: the stack is the child's until it is waited for, and it compares words.
        let child = unsafe { libc::clone(compare, top.cast(), flags | libc::SIGCHLD, here) };
        assert!(child > 0, "clone: {}", std::io::Error::last_os_error());
        match wait_for(child) {
            0 => Ordering::Equal,
            1 => Ordering::Greater,
            status => panic!("the child ended with {status}"),
        }
    }

    #[test]
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    fn a_child_with_a_copy_is_another_process_and_one_that_shares_is_not() {
        assert_eq!(compare_child(0), Ordering::Greater);
        assert_eq!(compare_child(libc::CLONE_VM | libc::CLONE_VFORK), Ordering::Equal);
    }
}
