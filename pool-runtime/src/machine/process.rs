//! Which process this is: a child of `fork` is another one than its parent, and cannot wait for what a thread of the parent has locked.
//!
//! A process's number does not tell. The init of a container that makes a PID namespace of its own is number 1 on both sides of the
//! `clone`; and a number that is free is given again, to a grandchild for instance. Linux fills a page with zeroes in a child if it is asked to
//! (`MADV_WIPEONFORK`, since 4.14). It does so where it copies the memory, so no way to make a child escapes it: neither `fork` nor
//! `_Fork` nor the system call `clone`. `pthread_atfork` is told of the first of them alone, and its function would go with a library
//! that is unloaded.
//!
//! A child that has its parent's memory and no copy (`vfork`, or `clone` with `CLONE_VM`) is the same process here. It has to be: the threads
//! that hold its locks exist, and it waits for them. A number would say that it may take their locks.
//!
//! Where there is no such page, on an older kernel and on other systems, the process's number stands in for it. Where the system has no
//! processes, as on WebAssembly, there is one.
//!
//! # Invariants
//!
//! 1. The page's word is zero in a process that has not asked yet. The process then takes the number after `LAST`, of which a child has
//!    a copy. So a generation is larger than those of all ancestors. Siblings may have the same, and share no memory.
//! 2. Whether there is a page is decided once, before [`current`] first returns, and a child has the decision from its parent. So a
//!    generation is never compared with a process's number.
//!
//! # Orderings
//!
//! All are `Relaxed`: it is the kernel that has written what `PAGE` leads to, and a generation orders nothing.

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
use wiped::generation;

/// What marks this process: the same for all of its threads, different from every ancestor's, and never zero.
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
    // std panics where there are none.
    if cfg!(any(unix, windows)) { std::process::id() } else { 1 }
}

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
mod wiped {
    use core::ffi::{c_int, c_void};
    use core::ptr;
    use core::sync::atomic::Ordering::Relaxed;
    use core::sync::atomic::{AtomicPtr, AtomicU32};

    /// The page; null if nobody has asked for it, and `NO_PAGE` if there is none.
    static PAGE: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
    static NO_PAGE: AtomicU32 = AtomicU32::new(0);

    /// The generation that was given last, to this process or to an ancestor.
    static LAST: AtomicU32 = AtomicU32::new(0);

    /// Decided when the program is loaded: a filter that it enters later need not let it have the page.
    extern "C" fn at_load() {
        generation();
    }

    // In the same module as `PAGE`, so in the same object file: a program is linked with both or neither.
    #[used]
    // SAFETY: the C library calls what stands in this section, with arguments that a C function need not take.
    #[unsafe(link_section = ".init_array.00098")]
    static AT_LOAD: extern "C" fn() = at_load;

    pub(super) fn generation() -> Option<u32> {
        let known = PAGE.load(Relaxed);
        let page = if known.is_null() { decide() } else { known };
        if ptr::eq(page, &NO_PAGE) {
            return None;
        }
        // SAFETY: a page that is never unmapped, and begins with zeroes.
        let word = unsafe { &*page };
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

    /// The page that counts: that of whichever thread comes first.
    #[cold]
    fn decide() -> *mut AtomicU32 {
        let made = map();
        let page = made.unwrap_or((&raw const NO_PAGE).cast_mut());
        PAGE.compare_exchange(ptr::null_mut(), page, Relaxed, Relaxed).map_or_else(
            |first| {
                if let Some(page) = made {
                    // SAFETY: mapped just now, with this length; the exchange failed, so nobody has seen it.
                    unsafe { libc::munmap(page.cast(), size_of::<AtomicU32>()) };
                }
                first
            },
            |_| page,
        )
    }

    /// A page that the kernel fills with zeroes in each child.
    fn map() -> Option<*mut AtomicU32> {
        let (read_write, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // The kernel rounds the length up to a page.
        let length = size_of::<AtomicU32>();
        // SAFETY: new memory, at an address of the kernel's choice.
        let page = unsafe { libc::mmap(ptr::null_mut(), length, read_write, private, -1, 0) };
        if page == libc::MAP_FAILED {
            return None;
        }
        // Emulators have taken every advice and done nothing: one that takes this, which does not exist, is not believed.
        if !advise(page, -1) && advise(page, libc::MADV_WIPEONFORK) {
            return Some(page.cast());
        }
        // SAFETY: mapped just now, and nobody has seen it.
        unsafe { libc::munmap(page, length) };
        None
    }

    fn advise(page: *mut c_void, advice: c_int) -> bool {
        // SAFETY: the page is ours, nobody else has seen it, and it holds nothing.
        unsafe { libc::madvise(page, size_of::<AtomicU32>(), advice) == 0 }
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::current;

    #[test]
    fn all_threads_are_of_one_process() {
        let here = current();
        assert_ne!(here, 0);
        assert_eq!(current(), here);
        assert_eq!(std::thread::spawn(current).join().unwrap(), here);
    }

    /// What a child of the system call `clone` with these flags finds, which the C library knows nothing of. One that shares this
    /// process's memory has a stack of its own.
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    fn in_child(flags: libc::c_int) -> u32 {
        use core::ffi::c_void;
        use core::sync::atomic::AtomicU32;
        use core::sync::atomic::Ordering::Relaxed;

        extern "C" fn find(found: *mut c_void) -> libc::c_int {
            // SAFETY: the shared counter below, which outlives the child.
            unsafe { &*found.cast::<AtomicU32>() }.store(current(), Relaxed);
            0
        }

        let mut stack = vec![0_u128; 4096];
        let (read_write, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: new memory, which both processes see.
        let found = unsafe { libc::mmap(core::ptr::null_mut(), size_of::<AtomicU32>(), read_write, shared, -1, 0) };
        assert_ne!(found, libc::MAP_FAILED);
        let top = stack.as_mut_ptr_range().end;
        // SAFETY: the stack is the child's until it is waited for, and it loads and stores words.
        let child = unsafe { libc::clone(find, top.cast(), flags | libc::SIGCHLD, found) };
        assert!(child > 0, "clone: {}", std::io::Error::last_os_error());
        let mut status = 0;
        // SAFETY: the child is ours and is waited for once.
        while unsafe { libc::waitpid(child, &mut status, 0) } != child {}
        assert_eq!(status, 0, "the child is well");
        // SAFETY: the mapping begins with zeroes.
        unsafe { &*found.cast::<AtomicU32>() }.load(Relaxed)
    }

    #[test]
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    fn a_child_with_a_copy_is_another_process_and_one_that_shares_is_not() {
        assert!(in_child(0) > current(), "{} in a child", in_child(0));
        assert_eq!(in_child(libc::CLONE_VM | libc::CLONE_VFORK), current());
    }
}
