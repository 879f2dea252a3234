//! The common parts of the conformance tests.

pub mod allocator;
pub mod child;
pub mod collector;
pub mod counted;
pub mod cpu;
#[cfg(target_os = "linux")]
pub mod forked;
pub mod guards;
pub mod operation;
pub mod random;
pub mod reuse;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod seccomp;
pub mod sequences;
#[cfg(target_os = "linux")]
pub mod short_of_memory;
#[cfg(target_os = "linux")]
pub mod timer;
pub mod turn;
pub mod watchdog;
