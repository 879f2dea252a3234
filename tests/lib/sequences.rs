//! The tests' knowledge of restartable sequences.

use pool_runtime::Backend;

/// Whether this process uses its local stacks by restartable sequences, with slots by concurrency id or by CPU.
pub fn are_used() -> bool {
    matches!(pool_runtime::backend(), Backend::Rseq | Backend::RseqCpu(_))
}

/// Takes the calling thread's registration for sequences away, for good. `false` if it has none.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn unregister() -> bool {
    // SAFETY: the name is a C string; looking up runs no code of the process.
    let offset = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_offset".as_ptr()) };
    if offset.is_null() {
        return false;
    }
    // SAFETY: glibc's `const ptrdiff_t __rseq_offset`.
    let offset = unsafe { offset.cast::<isize>().read() };
    let thread: *mut u8;
    #[cfg(target_arch = "x86_64")]
    let signature = 0x5305_3053u32;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reads the thread pointer, which lies where it points.
    unsafe {
        std::arch::asm!("mov {}, qword ptr fs:[0]", out(reg) thread, options(nostack, preserves_flags, readonly));
    }
    #[cfg(target_arch = "aarch64")]
    let signature = 0xd428_bc00u32;
    #[cfg(target_arch = "aarch64")]
    // SAFETY: reads the thread pointer.
    unsafe {
        std::arch::asm!("mrs {}, tpidr_el0", out(reg) thread, options(nostack, preserves_flags, nomem));
    }
    // The size must be the one that glibc registered, which its version decides.
    [32u32, 28, 33, 40, 64, 20].into_iter().any(|size| {
        // SAFETY: the thread's own area. The thread goes without it from now on, which the test wants.
        unsafe { libc::syscall(libc::SYS_rseq, thread.wrapping_offset(offset), size, 1u32, signature) == 0 }
    })
}

/// There are no sequences on this platform.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub fn unregister() -> bool {
    false
}
