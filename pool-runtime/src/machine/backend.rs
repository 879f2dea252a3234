//! [`Backend`], how local stacks work in this process, and [`Reason`], why they do not work otherwise.

use core::fmt;

/// How the local stacks of all pools work in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// Restartable sequences: acquire and release use no atomic operation. A slot belongs to a concurrency id, which the kernel
    /// gives to each thread of the process while it runs: there are as many as threads run at once, however many CPUs there are.
    Rseq,
    /// Restartable sequences with a slot for each CPU, for this reason: a thread that moves to another CPU leaves its idle objects
    /// behind on the CPU before.
    RseqCpu(Reason),
    /// Slots belong to threads by number, and acquire and release use one atomic operation each, for this reason.
    Portable(Reason),
    /// Pooling is off, as `POOL_BACKEND` asks for: every acquire creates, and every release drops.
    Off,
}

/// Why restartable sequences are not used, or concurrency ids are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// `POOL_BACKEND` asks for it.
    Asked,
    /// Restartable sequences are for glibc on Linux, x86-64 or aarch64, if `--cfg pool_portable` does not compile them out.
    Platform,
    /// The C library does not know restartable sequences: glibc before 2.35.
    CLibrary,
    /// The C library did not register restartable sequences: it was told not to, or the kernel or an emulator has none.
    NotRegistered,
    /// The kernel's restartable sequences are faulty: aarch64, Linux 6.19 to 7.0.13.
    Kernel,
    /// The kernel has no `membarrier` for restartable sequences (Linux before 5.10), or a filter forbids it.
    Membarrier,
    /// The kernel has no concurrency ids: Linux before 6.3.
    ConcurrencyIds,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rseq => f.write_str("rseq"),
            Self::RseqCpu(reason) => write!(f, "rseq-cpu: {reason}"),
            Self::Portable(reason) => write!(f, "portable: {reason}"),
            Self::Off => f.write_str("off"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "asked for by POOL_BACKEND",
            Self::Platform => "no restartable sequences on this platform",
            Self::CLibrary => "the C library has no restartable sequences",
            Self::NotRegistered => "restartable sequences are not registered",
            Self::Kernel => "this kernel's restartable sequences are faulty",
            Self::Membarrier => "no membarrier for restartable sequences",
            Self::ConcurrencyIds => "the kernel has no concurrency ids",
        })
    }
}
