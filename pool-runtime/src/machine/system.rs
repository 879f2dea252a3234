//! The calls of the C library and of the kernel, for memory, descriptors, scheduling, signals and time. Each is a function that is safe
//! with all arguments, named for the work of the call.
//!
//! # Invariants
//!
//! 1. A pointer that a call is given is to memory that the function borrows, as long as is said. No call keeps a pointer.
//! 2. A descriptor that a call is given is open: it is borrowed. A descriptor that a call has opened has one owner.
//! 3. A call fills in integers ([`Integers`]): each bit pattern is a value.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

#[cfg(all(target_os = "linux", target_env = "gnu", not(any(pool_loom, miri))))]
pub(crate) use glibc::is_main_programs;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::*;
#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
pub(crate) use page::wiped_word;

use core::ffi::c_int;
use core::mem;
use core::time::Duration;

/// A structure of the C library's whose fields are integers, and arrays of integers. Some structures have padding on some systems, or
/// fields that are not public, so a structure is made of zeros.
///
/// # Safety
///
/// The type is such a structure.
unsafe trait Integers: Sized {
    fn zeros() -> Self {
        // SAFETY: zero is a value of an integer (the trait's promise).
        unsafe { mem::zeroed() }
    }
}

// SAFETY: as signal.h has it, a number or an array of numbers.
unsafe impl Integers for libc::sigset_t {}
// SAFETY: as time.h has it, two numbers.
unsafe impl Integers for libc::timespec {}
#[cfg(any(target_os = "linux", target_os = "android"))]
// SAFETY: as statfs(2) has it, numbers and an array of two.
unsafe impl Integers for libc::statfs {}
#[cfg(any(target_os = "linux", target_os = "android"))]
// SAFETY: as uname(2) has it, arrays of characters.
unsafe impl Integers for libc::utsname {}

/// 68 years are as good as for ever: `tv_sec` has 32 bits on some systems.
fn timespec(time: Duration) -> libc::timespec {
    let mut wanted = libc::timespec::zeros();
    // The fields' types have other names in other C libraries.
    wanted.tv_sec = time.as_secs().min(i32::MAX as u64) as _;
    wanted.tv_nsec = time.subsec_nanos() as _;
    wanted
}

/// Sleeps for this time, or until a signal has been handled. `false` if a filter refuses the call, or a signal came: std's sleep would
/// panic in the first case, and go on in the second.
#[cfg(not(pool_loom))]
pub(crate) fn sleep(time: Duration) -> bool {
    // SAFETY: the pointer is to a time of ours, and the rest that a signal leaves of it is not asked for.
    unsafe { libc::nanosleep(&timespec(time), core::ptr::null_mut()) == 0 }
}

/// Signals by number.
pub(crate) struct Signals(libc::sigset_t);

impl Signals {
    /// All signals but these.
    pub(crate) fn all_but(signals: &[c_int]) -> Self {
        let mut set = libc::sigset_t::zeros();
        // SAFETY: the pointer is to a set of ours. The call cannot fail.
        unsafe { libc::sigfillset(&mut set) };
        for &signal in signals {
            // SAFETY: the set was filled in. A number that is no signal's is an error.
            unsafe { libc::sigdelset(&mut set, signal) };
        }
        Self(set)
    }

    /// Has the calling thread block these, too. Returns the signals that it had blocked before, or `None` if a filter refuses the call.
    pub(crate) fn block(&self) -> Option<Self> {
        self.mask(libc::SIG_BLOCK)
    }

    /// Has the calling thread block these and no others.
    pub(crate) fn block_no_others(&self) {
        self.mask(libc::SIG_SETMASK);
    }

    fn mask(&self, how: c_int) -> Option<Self> {
        let mut before = libc::sigset_t::zeros();
        // SAFETY: the pointers are to two sets of ours, of which the first was filled in.
        let error = unsafe { libc::pthread_sigmask(how, &self.0, &mut before) };
        (error == 0).then_some(Self(before))
    }
}

/// Has the C library call a function when the program is loaded, or the library that this is linked into: before the constructor functions of
/// both, those with a reserved priority excepted (std's own has 99), and before `main`.
///
/// The macro stands in the same module as the statics that the function writes to, and so in the same object file: a program is linked with
/// both or neither.
#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
macro_rules! at_load {
    ($function:ident) => {
        const _: () = {
            extern "C" fn call() {
                $function();
            }

            #[used]
            #[allow(unsafe_code)]
            // SAFETY: the C library calls the functions in this section, with arguments that a C function need not take.
            #[unsafe(link_section = ".init_array.00098")]
            static CALL: extern "C" fn() = call;
        };
    };
}
#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
pub(crate) use at_load;

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
mod page {
    use core::ffi::c_int;
    use core::mem;
    use core::ptr::{self, NonNull};
    use core::sync::atomic::Ordering::Relaxed;
    use core::sync::atomic::{AtomicPtr, AtomicU32};

    /// A word that the kernel sets to zero in each child that has a copy of this process's memory. `None` if it does not.
    ///
    /// The first thread that asks decides, once, and a child has the decision from its parent. `Relaxed`: the kernel has written the word
    /// that `WORD` leads to.
    #[inline]
    pub(crate) fn wiped_word() -> Option<&'static AtomicU32> {
        let known = WORD.load(Relaxed);
        let word = if known.is_null() { decide() } else { known };
        // SAFETY: `NO_WORD`, or the beginning of a page that is never unmapped, since its `Page` was forgotten. The page begins with zeros.
        let word = unsafe { &*word };
        (!ptr::eq(word, &NO_WORD)).then_some(word)
    }

    /// Null if no thread has asked for the word, and `NO_WORD` if there is none.
    static WORD: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
    static NO_WORD: AtomicU32 = AtomicU32::new(0);

    /// The word of the thread that comes first.
    #[cold]
    fn decide() -> *mut AtomicU32 {
        // Emulators have taken every advice and done nothing: an emulator that takes advice -1, which does not exist, is not believed.
        let page = Page::map().filter(|page| !page.advise(-1) && page.advise(libc::MADV_WIPEONFORK));
        let word = page.as_ref().map_or((&raw const NO_WORD).cast_mut(), |page| page.0.as_ptr());
        match WORD.compare_exchange(ptr::null_mut(), word, Relaxed, Relaxed) {
            Ok(_) => {
                mem::forget(page);
                word
            }
            Err(first) => first,
        }
    }

    /// The beginning of a page of zeros that is ours, and that is unmapped when this is dropped.
    struct Page(NonNull<AtomicU32>);

    impl Page {
        /// In bytes; the kernel rounds it up to a page.
        const LENGTH: usize = size_of::<AtomicU32>();

        fn map() -> Option<Self> {
            let (read_write, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            // SAFETY: new memory, at an address of the kernel's choice.
            let page = unsafe { libc::mmap(ptr::null_mut(), Self::LENGTH, read_write, private, -1, 0) };
            if page == libc::MAP_FAILED { None } else { NonNull::new(page.cast()).map(Self) }
        }

        fn advise(&self, advice: c_int) -> bool {
            // SAFETY: the page is ours, no other thread has seen it, and it has zeros under any advice.
            unsafe { libc::madvise(self.0.as_ptr().cast(), Self::LENGTH, advice) == 0 }
        }
    }

    impl Drop for Page {
        fn drop(&mut self) {
            // SAFETY: the page is ours, and no other thread has seen it.
            unsafe { libc::munmap(self.0.as_ptr().cast(), Self::LENGTH) };
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use core::ffi::{c_int, c_short, c_ulong};
    use core::mem;
    use core::ptr;
    use core::time::Duration;
    use std::io;
    use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

    use super::{Integers as _, timespec};

    /// The result of a call, which is negative if the call has set `errno`.
    fn answer(result: impl TryInto<usize>) -> io::Result<usize> {
        result.try_into().map_err(|_| io::Error::last_os_error())
    }

    /// Has glibc give free memory back to the system, and says whether it has.
    #[cfg(all(target_env = "gnu", not(miri)))]
    pub(crate) fn trim_heap() -> bool {
        // SAFETY: no precondition.
        unsafe { libc::malloc_trim(0) == 1 }
    }

    // Descriptors.

    /// Opens a file without the allocator, which std needs for a long path.
    #[cfg(not(any(pool_loom, miri)))]
    pub(crate) fn open(path: &core::ffi::CStr, flags: c_int) -> io::Result<OwnedFd> {
        // SAFETY: a C string. The call reads the mode only if it makes a file.
        let number = unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, 0) };
        answer(number)?;
        // SAFETY: it was opened just now, and has no other owner.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }

    /// A Unix socket for a stream, which is not connected.
    pub(crate) fn socket() -> io::Result<OwnedFd> {
        // SAFETY: no precondition.
        let number = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
        answer(number)?;
        // SAFETY: it was opened just now, and has no other owner.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }

    /// Connects a socket.
    pub(crate) fn connect(socket: BorrowedFd<'_>, address: &libc::sockaddr_un) -> io::Result<()> {
        let size = size_of_val(address) as libc::socklen_t;
        // SAFETY: the descriptor is open, and the pointer is to an address of that size.
        let result = unsafe { libc::connect(socket.as_raw_fd(), ptr::from_ref(address).cast(), size) };
        answer(result).map(drop)
    }

    /// Writes to a socket, and returns the number of bytes written. If the other end is gone, the usual call would raise SIGPIPE, which ends a
    /// program unless it ignores the signal, as programs in Rust do.
    pub(crate) fn send(socket: BorrowedFd<'_>, data: &[u8]) -> io::Result<usize> {
        // SAFETY: the descriptor is open, and the pointer is to as many bytes as is said.
        answer(unsafe { libc::send(socket.as_raw_fd(), data.as_ptr().cast(), data.len(), libc::MSG_NOSIGNAL) })
    }

    /// The number of bytes that can be read.
    pub(crate) fn readable(file: BorrowedFd<'_>) -> usize {
        let mut bytes: c_int = 0;
        // SAFETY: the descriptor is open, and the pointer is to a number of ours.
        unsafe { libc::ioctl(file.as_raw_fd(), libc::FIONREAD, &raw mut bytes) };
        usize::try_from(bytes).unwrap_or(0)
    }

    /// The number of the kind of file system that a file lies in (statfs(2)).
    pub(crate) fn file_system(file: BorrowedFd<'_>) -> io::Result<i64> {
        let mut stat = libc::statfs::zeros();
        // SAFETY: the descriptor is open, and the pointer is to a structure of ours.
        answer(unsafe { libc::fstatfs(file.as_raw_fd(), &mut stat) })?;
        Ok(stat.f_type as _)
    }

    /// Waits until a file has an event, for this time at the most. Returns the events of each file; no file has any if the time is over.
    pub(crate) fn poll<const N: usize>(
        files: [Option<(BorrowedFd<'_>, c_short)>; N],
        time: Option<Duration>,
    ) -> io::Result<[c_short; N]> {
        let mut files = files.map(|file| {
            let (fd, events) = file.map_or((-1, 0), |(file, events)| (file.as_raw_fd(), events));
            libc::pollfd { fd, events, revents: 0 }
        });
        let time = time.map(timespec);
        let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the pointers are to as many structures as is said, to a time or null, and to no set of signals.
        answer(unsafe { libc::ppoll(files.as_mut_ptr(), N as _, time, ptr::null()) })?;
        Ok(files.map(|file| file.revents))
    }

    // Scheduling.

    /// Fills in the set of CPUs that a thread may run on; zero is the calling thread. `false` if the system does not tell. The kernel
    /// refuses a set that has not a place for each number that a CPU can have.
    pub(crate) fn affinity(thread: libc::pid_t, set: &mut [c_ulong]) -> bool {
        // SAFETY: the pointer is to as many bytes as is said, which are ours to write.
        unsafe { libc::syscall(libc::SYS_sched_getaffinity, thread, mem::size_of_val(set), set.as_mut_ptr()) > 0 }
    }

    /// Binds the calling thread to those CPUs of a set that are there for it. The thread is on one of them by then.
    pub(crate) fn set_affinity(set: &[c_ulong]) -> bool {
        // SAFETY: the pointer is to as many bytes as is said.
        unsafe { libc::syscall(libc::SYS_sched_setaffinity, 0, mem::size_of_val(set), set.as_ptr()) == 0 }
    }

    /// The CPU that the calling thread was on at some moment of the call.
    #[cfg(target_env = "gnu")]
    #[allow(dead_code, reason = "for restartable sequences")]
    pub(crate) fn cpu() -> Option<usize> {
        // SAFETY: no precondition.
        usize::try_from(unsafe { libc::sched_getcpu() }).ok()
    }

    /// Gives the calling thread the policy of ordinary threads.
    pub(crate) fn set_ordinary_policy() {
        /// Linux's number: not every C library names it.
        const SCHED_OTHER: c_int = 0;

        let priority: c_int = 0;
        // The system call: musl's function of that name always fails.
        // SAFETY: a real-time priority is all that the kernel's structure holds; zero is the calling thread.
        unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, SCHED_OTHER, &raw const priority) };
    }

    /// The calling thread's nice value: on Linux each thread has its own.
    pub(crate) fn nice() -> c_int {
        // SAFETY: no precondition.
        unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
    }

    /// Sets the calling thread's nice value, if the system permits it.
    pub(crate) fn set_nice(nice: c_int) {
        // SAFETY: no precondition.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
    }

    /// Gives a command of membarrier(2) that takes no CPU.
    #[cfg(target_env = "gnu")]
    #[allow(dead_code, reason = "for restartable sequences")]
    pub(crate) fn membarrier(command: c_int) -> io::Result<()> {
        let (flags, cpu): (c_int, c_int) = (0, 0); // mutant: plain-fence
        // SAFETY: the call takes three `int`s by value and neither reads nor writes memory of the process.
        answer(unsafe { libc::syscall(libc::SYS_membarrier, command, flags, cpu) }).map(drop)
    }

    // The program.

    /// The kernel's release, as uname(2) has it.
    #[allow(dead_code, reason = "restartable sequences ask")]
    pub(crate) fn release() -> Option<String> {
        let mut name = libc::utsname::zeros();
        // SAFETY: the pointer is to a structure of ours.
        if unsafe { libc::uname(&mut name) } != 0 {
            return None;
        }
        let bytes: Vec<u8> = name.release.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
        String::from_utf8(bytes).ok()
    }

    /// A value of the auxiliary vector (getauxval(3)); zero if the vector does not have it.
    pub(crate) fn auxiliary(kind: c_ulong) -> c_ulong {
        // SAFETY: no precondition.
        unsafe { libc::getauxval(kind) }
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu", not(any(pool_loom, miri))))]
mod glibc {
    use core::ffi::{CStr, c_int, c_void};
    use core::slice;

    /// Whether an address is in the main program, which stays as long as the process lives; other code and data may be unloaded.
    #[cold]
    pub(crate) fn is_main_programs(address: *const ()) -> bool {
        // SAFETY: `look` is called before this returns, with a description of each object that is loaded.
        unsafe { libc::dl_iterate_phdr(Some(look), address.cast_mut().cast()) == HAS_IT }
    }

    const GO_ON: c_int = 0;
    const HAS_IT: c_int = 1;
    const HAS_IT_NOT: c_int = 2;

    /// Looks at an object, and breaks off at the main program, which alone has no name (dl_iterate_phdr(3)).
    ///
    /// # Safety
    ///
    /// The object is described. Nothing need be at the address.
    unsafe extern "C" fn look(object: *mut libc::dl_phdr_info, _size: usize, address: *mut c_void) -> c_int {
        // SAFETY: the caller's promise.
        let object = unsafe { &*object };
        // SAFETY: a C string, for as long as the object is described.
        if object.dlpi_name.is_null() || !unsafe { CStr::from_ptr(object.dlpi_name) }.is_empty() {
            return GO_ON;
        }
        // SAFETY: as many headers, for as long as the object is described.
        let segments = unsafe { slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()) };
        let has_it = segments.iter().filter(|segment| segment.p_type == libc::PT_LOAD).any(|segment| {
            let start = (object.dlpi_addr + segment.p_vaddr) as usize;
            (start..start + segment.p_memsz as usize).contains(&address.addr())
        });
        if has_it { HAS_IT } else { HAS_IT_NOT }
    }
}

#[cfg(all(test, not(any(pool_loom, miri)), any(target_os = "linux", target_os = "android")))]
pub(crate) mod tests {
    use core::ffi::{CStr, c_int, c_ulong};
    use core::ptr;
    use core::sync::atomic::AtomicBool;
    use core::sync::atomic::Ordering::Relaxed;
    use core::time::Duration;
    use std::io;
    use std::os::fd::{AsRawFd as _, BorrowedFd};

    use super::Integers as _;

    /// The answer in a child of `fork`, whose only thread is its main thread.
    ///
    /// # Safety
    ///
    /// `answer` waits for no other thread: the child has none. So it neither allocates nor prints, unless it fails.
    pub(crate) unsafe fn in_child(answer: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child does what the caller promises, and leaves without a return.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let answer = answer();
            // SAFETY: no precondition.
            unsafe { libc::_exit((!answer).into()) };
        }
        wait_for(child) == 0
    }

    /// The status with which a child has exited.
    pub(crate) fn wait_for(child: libc::pid_t) -> i32 {
        let mut status = 0;
        // SAFETY: the pointer is to an integer of ours.
        while unsafe { libc::waitpid(child, &mut status, 0) } != child {}
        assert!(libc::WIFEXITED(status), "{status}");
        libc::WEXITSTATUS(status)
    }

    /// The result of a call that answers zero if it has worked.
    fn done(result: impl Into<i64>) -> io::Result<()> {
        if result.into() == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Gives the calling thread mounts of its own; a shared mount stays common with others.
    pub(crate) fn have_own_mounts() -> io::Result<()> {
        // SAFETY: no precondition.
        done(unsafe { libc::unshare(libc::CLONE_NEWNS) })
    }

    pub(crate) fn mount(source: Option<&CStr>, target: &CStr, flags: c_ulong) -> io::Result<()> {
        let source = source.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: two strings with a zero at their ends, or null; the others are not looked at.
        done(unsafe { libc::mount(source, target.as_ptr(), ptr::null(), flags, ptr::null()) })
    }

    pub(crate) fn unmount(target: &CStr) -> io::Result<()> {
        // SAFETY: a string with a zero at its end.
        done(unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) })
    }

    pub(crate) fn make_fifo(path: &CStr) -> io::Result<()> {
        // SAFETY: a string with a zero at its end.
        done(unsafe { libc::mkfifo(path.as_ptr(), 0o600) })
    }

    /// Exchanges the names of two files.
    pub(crate) fn exchange_names(one: &CStr, other: &CStr) -> io::Result<()> {
        let (here, exchange) = (libc::AT_FDCWD, libc::RENAME_EXCHANGE);
        // SAFETY: two strings with a zero at their ends.
        done(unsafe { libc::syscall(libc::SYS_renameat2, here, one.as_ptr(), here, other.as_ptr(), exchange) })
    }

    /// Has a listening socket keep so many connections waiting, and one more.
    pub(crate) fn set_backlog(listener: BorrowedFd<'_>, connections: c_int) -> io::Result<()> {
        // SAFETY: the descriptor is open.
        done(unsafe { libc::listen(listener.as_raw_fd(), connections) })
    }

    /// The flags of a descriptor, and of the file that it is open for.
    pub(crate) fn flags(file: BorrowedFd<'_>) -> [c_int; 2] {
        // SAFETY: the descriptor is open; neither command has an argument.
        [libc::F_GETFD, libc::F_GETFL].map(|command| unsafe { libc::fcntl(file.as_raw_fd(), command) })
    }

    /// The CPU time of the calling thread.
    pub(crate) fn cpu_time() -> Duration {
        let mut time = libc::timespec::zeros();
        // SAFETY: the pointer is to a time of ours.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }

    /// Whether a signal is raised while `run` runs, and the result of `run`.
    pub(crate) fn is_raised<R>(signal: c_int, run: impl FnOnce() -> R) -> (bool, R) {
        static RAISED: AtomicBool = AtomicBool::new(false);
        extern "C" fn note(_: c_int) {
            RAISED.store(true, Relaxed);
        }
        RAISED.store(false, Relaxed);
        // SAFETY: the handler stores to an atomic, and does nothing else.
        let before = unsafe { libc::signal(signal, note as *const () as libc::sighandler_t) };
        let result = run();
        // SAFETY: as it was before.
        unsafe { libc::signal(signal, before) };
        (RAISED.load(Relaxed), result)
    }

    #[test]
    #[cfg(target_env = "gnu")]
    fn a_static_is_the_main_programs_and_the_c_librarys_code_is_not() {
        use super::is_main_programs;

        static HERE: u8 = 0;
        assert!(is_main_programs((&raw const HERE).cast()));
        assert!(!is_main_programs(libc::getpid as *const ()));
        assert!(!is_main_programs(ptr::null()));
        assert!(!is_main_programs((&raw const *Box::new(0_u8)).cast()));
    }
}
