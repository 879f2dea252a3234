//! The fence by which a sweep stops all restartable sequences.
//!
//! [`fence`] makes the kernel interrupt every CPU that runs a thread of this process, with a full memory barrier, and
//! abort the sequence that the thread is in. A thread that is not running was aborted when it was preempted, with the
//! barrier of a context switch.
//!
//! # Invariants
//!
//! 1. A sequence that began before the fence has committed, and the caller sees its stores; or it has been aborted, and
//!    its commit never happens. A sequence that begins later sees every store that the caller made before the fence.
//! 2. The kernel refuses the fence (`EPERM`) to a process that has not registered its intent. A registration belongs to
//!    the address space: a child of `fork` may have to repeat it, which [`fence`] does.

use std::io;

use crate::machine::system::membarrier;

/// Registers the process for [`fence`]. An error says that the kernel has no fence (Linux before 5.10), or a filter forbids it.
#[cold]
pub(super) fn register() -> io::Result<()> {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)
}

/// Waits until no thread is in a sequence that began before (invariant 1). Takes microseconds.
///
/// An error says that no sequence was fenced: the caller must leave the local stacks alone.
#[cold]
pub(super) fn fence() -> io::Result<()> {
    // mutant: no-fence
    match membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
            register()?;
            membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
        }
        result => result,
    }
}
