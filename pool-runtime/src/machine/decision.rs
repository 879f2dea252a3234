//! The process's choice of a backend: once, for all pools.
//!
//! # Invariants
//!
//! 1. The first decision holds for good, for all pools: one word says it, and one exchange fills it in. On Linux that
//!    happens when the program is loaded (`at_load`), before any code that uses a pool.
//! 2. A thread that starts a pool knows the decision, and writes it into the pool's tables before.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicIsize, AtomicU8};
use std::ffi::OsStr;

use crate::machine::area::{self, Area};
use crate::machine::backend::{Backend, Reason};
use crate::machine::report::report;

/// How the local stacks of all pools work in this process, and why.
///
/// The environment variable `POOL_BACKEND` may say `rseq`, `rseq-cpu`, `portable` or `off`. The default is `rseq`; `rseq-cpu`
/// if the kernel has no concurrency ids; and `portable` if there are no restartable sequences. Any other value is reported
/// once on standard error and ignored, and so is a backend that cannot be had.
///
/// The process decides for good when the program is loaded; on systems other than Linux and Android, at the first call or the
/// first use of a pool. So the variable is for the starter of the program: a program that changes its own environment may be
/// too late. The decision takes a program about 100 µs. A library with pools decides for itself when it is loaded: in a process
/// that has threads, the kernel lets it wait for all CPUs, some 10 ms.
///
/// `off` is for comparing with the allocator, and for programs that look for leaks and bad addresses. `rseq-cpu` is for comparing,
/// and for a kernel whose concurrency ids turn out to be faulty.
///
/// # Examples
///
/// ```
/// println!("pools are {}", pool_runtime::backend());
/// ```
pub fn backend() -> Backend {
    let reason = || REASONS[usize::from(REASON.load(Relaxed))];
    // Acquire: pairs with `decide`, for the reason.
    match DECISION.load(Acquire) {
        UNDECIDED => decide(),
        PORTABLE => Backend::Portable(reason()),
        OFF => Backend::Off,
        code => match Area::from_offset(code) {
            Some(area) if area.has_ids() => Backend::Rseq,
            _ => Backend::RseqCpu(reason()),
        },
    }
}

/// Whether every acquire creates and every release drops.
pub(crate) fn is_off() -> bool {
    backend() == Backend::Off
}

/// The rseq areas, if they are used, for a thread that knows the decision.
pub(crate) fn area() -> Option<Area> {
    match DECISION.load(Relaxed) {
        UNDECIDED | PORTABLE | OFF => None,
        code => Area::from_offset(code),
    }
}

/// Waits until no thread is in a sequence that began before: at once on the portable backend. `false` if that cannot be.
pub(crate) fn fence() -> bool {
    area().is_none_or(Area::fence)
}

/// `UNDECIDED`, `PORTABLE`, `OFF`, or the [offset](Area::offset) of the rseq areas, which is none of these.
static DECISION: AtomicIsize = AtomicIsize::new(UNDECIDED);
const UNDECIDED: isize = 0;
const PORTABLE: isize = 1;
const OFF: isize = 2;

/// Why the decision is `PORTABLE`, or why slots are numbered by CPUs: an index into `REASONS`.
static REASON: AtomicU8 = AtomicU8::new(0);
const REASONS: [Reason; 7] = [
    Reason::Asked,
    Reason::Platform,
    Reason::CLibrary,
    Reason::NotRegistered,
    Reason::Kernel,
    Reason::Membarrier,
    Reason::ConcurrencyIds,
];

#[cold]
fn decide() -> Backend {
    let value = std::env::var_os("POOL_BACKEND").unwrap_or_default();
    let asked = parse(&value);
    let found = match asked {
        Some(Asked::Off) => Ok(OFF),
        Some(Asked::Portable) => Err(Reason::Asked),
        Some(Asked::RseqCpu) => area::detect(false),
        Some(Asked::Rseq | Asked::Nothing) | None => area::detect(true),
    };
    let reason = match (asked, found) {
        (_, Err(reason)) => reason,
        (Some(Asked::RseqCpu), Ok(_)) => Reason::Asked,
        _ => Reason::ConcurrencyIds,
    };
    // Threads that decide at the same moment find the same reason.
    REASON.store(reason as u8, Relaxed);
    // The first thread decides, and reports. Release: pairs with `backend`.
    if DECISION.compare_exchange(UNDECIDED, found.unwrap_or(PORTABLE), Release, Relaxed).is_ok() {
        let value = value.to_string_lossy();
        let name = match backend() {
            Backend::Rseq => "rseq",
            Backend::RseqCpu(_) => "rseq-cpu",
            Backend::Portable(_) => "portable",
            Backend::Off => "off",
        };
        match asked {
            None => report(&format!(
                "pool-runtime: the environment variable POOL_BACKEND is `{value}` and is ignored: expected `rseq`, \
                 `rseq-cpu`, `portable` or `off`\n"
            )),
            Some(asked) if asked != Asked::Nothing && value != name => report(&format!(
                "pool-runtime: the environment variable POOL_BACKEND is `{value}`, and `{name}` is used: {reason}\n"
            )),
            Some(_) => {}
        }
    }
    backend()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    Rseq,
    RseqCpu,
    Portable,
    Off,
}

/// The request that a value of `POOL_BACKEND` makes. An empty value asks for nothing.
fn parse(value: &OsStr) -> Option<Asked> {
    match value.to_str()? {
        "" => Some(Asked::Nothing),
        "rseq" => Some(Asked::Rseq),
        "rseq-cpu" => Some(Asked::RseqCpu),
        "portable" => Some(Asked::Portable),
        "off" => Some(Asked::Off),
        _ => None,
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn pool_backend_is_one_of_four_words() {
        assert_eq!(parse(OsStr::new("")), Some(Asked::Nothing));
        assert_eq!(parse(OsStr::new("rseq")), Some(Asked::Rseq));
        assert_eq!(parse(OsStr::new("rseq-cpu")), Some(Asked::RseqCpu));
        assert_eq!(parse(OsStr::new("portable")), Some(Asked::Portable));
        assert_eq!(parse(OsStr::new("off")), Some(Asked::Off));
        for unknown in ["OFF", "on", "portable ", "rseq_cpu", "0"] {
            assert_eq!(parse(OsStr::new(unknown)), None, "{unknown:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_unicode_is_unknown() {
        use std::os::unix::ffi::OsStrExt as _;
        assert_eq!(parse(OsStr::from_bytes(b"off\xff")), None);
    }

    #[test]
    fn each_reason_has_its_index() {
        for (index, &reason) in REASONS.iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}
