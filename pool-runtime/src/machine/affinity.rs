//! [`Cpus`], a set of CPUs: on which a thread may run (Linux).

use core::ffi::c_ulong;

use crate::machine::system;

/// Linux has no more CPUs on any machine: 8,192.
pub(crate) const WORDS: usize = 8192 / WORD;
pub(super) const WORD: usize = c_ulong::BITS as usize;

/// A set of CPUs, as the kernel has it. The C library's set has 1,024 places, and the kernel refuses that on a larger machine.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Cpus(pub(crate) [c_ulong; WORDS]);

impl Cpus {
    /// The CPUs on which a thread may run; zero is the calling thread. `None` if the system does not tell.
    pub(crate) fn of(thread: libc::pid_t) -> Option<Self> {
        let mut cpus = Self([0; WORDS]);
        system::affinity(thread, &mut cpus.0).then_some(cpus)
    }

    /// The CPUs of the main thread, which has the number of the process.
    pub(crate) fn of_main_thread() -> Option<Self> {
        Self::of(std::process::id() as libc::pid_t)
    }

    /// Binds the calling thread to those of the CPUs that are there for it. The thread is on one of them by then.
    pub(crate) fn bind(&self) -> bool {
        system::set_affinity(&self.0)
    }

    /// The first CPU alone.
    #[cfg(test)]
    pub(crate) fn first(&self) -> Self {
        let word = self.0.iter().position(|&word| word != 0).expect("there is one");
        let mut first = Self([0; WORDS]);
        first.0[word] = 1 << self.0[word].trailing_zeros();
        first
    }
}
