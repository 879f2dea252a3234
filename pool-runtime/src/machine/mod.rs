//! What the process runs on: how local stacks work, how many CPUs there are, and which slot a thread works with.
//!
//! # Invariants
//!
//! 1. What is decided first holds for good, for all pools: one word says it, and one exchange fills it in. On Linux that
//!    is when the program is loaded, before any code that uses a pool.
//! 2. A pool is started by a thread that knows the decision, and has it written into the pool's tables before.
//! 3. What comes after the load opens no file: a filter may kill a process that does.

#[cfg(all(test, pool_loom))]
pub(crate) use portable::set_slot;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod affinity;
#[cfg(pool_inject)]
pub mod inject;
#[cfg(all(target_os = "linux", target_env = "gnu", not(any(pool_loom, miri))))]
pub(crate) mod main_program;
mod portable;
pub(crate) mod process;
#[cfg_attr(
    not(all(
        target_os = "linux",
        target_env = "gnu",
        target_endian = "little",
        target_pointer_width = "64",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        not(any(pool_loom, miri, pool_portable)),
    )),
    path = "no_rseq.rs"
)]
mod rseq;
#[cfg(unix)]
pub(crate) mod system;
#[cfg_attr(
    not(all(any(target_os = "linux", target_os = "android"), not(any(pool_loom, miri)))),
    path = "no_topology.rs"
)]
mod topology;

use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicIsize, AtomicU8, AtomicUsize};
use std::ffi::OsStr;
use std::io::Write as _;

pub(crate) use portable::{move_on, slot};
pub(crate) use rseq::{Area, OFFSETS, Permanent};

/// How the local stacks of all pools work in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// Restartable sequences: acquire and release use no atomic operation. A slot belongs to a concurrency id, which the kernel
    /// gives to each thread of the process while it runs: there are as many as threads run at once, however many CPUs there are.
    Rseq,
    /// The same with a slot for each CPU, for this reason: a thread that is moved to another CPU leaves behind what is idle
    /// on the one before.
    RseqCpu(Reason),
    /// Slots belong to threads by number, and acquire and release use one atomic operation each. For this reason.
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
    /// They are for glibc on Linux, x86-64 or aarch64, and were not compiled out by `--cfg pool_portable`.
    Platform,
    /// The C library does not know them: glibc before 2.35.
    CLibrary,
    /// The C library did not register them: it was told not to, or the kernel has none, or an emulator.
    NotRegistered,
    /// The kernel's are faulty: aarch64, Linux 6.19 to 7.0.13.
    Kernel,
    /// The kernel has no `membarrier` for them, or a filter forbids it: Linux before 5.10.
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

/// How the local stacks of all pools work in this process, and why.
///
/// The environment variable `POOL_BACKEND` may say `rseq`, `rseq-cpu`, `portable` or `off`. The default is `rseq`; `rseq-cpu`
/// where the kernel has no concurrency ids; and `portable` where there are no restartable sequences. Any other value is reported
/// once on standard error and ignored, and so is one that cannot be had.
///
/// Decided for good when the program is loaded; on systems other than Linux and Android, at the first call or the
/// first use of a pool. So the variable is for the starter of the program: what the program does to its own
/// environment may come too late. It takes a program about 100 µs. A library with pools decides for itself when it is
/// loaded: into a process that has threads, the kernel lets it wait for all CPUs, some 10 ms.
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

/// One of these, or the code of the rseq areas, which is none of them.
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
        Some(Asked::RseqCpu) => rseq::detect(false),
        Some(Asked::Rseq | Asked::Nothing) | None => rseq::detect(true),
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
        if let Some(area) = area() {
            area.set_at_load();
        }
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

/// What a value of `POOL_BACKEND` asks for. An empty one asks for nothing.
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

/// Writes to standard error, past the lock that std has on it: an acquire waits for no other thread. Where standard
/// error is closed, the line is lost.
pub(crate) fn report(line: &str) {
    #[cfg(unix)]
    let stderr = std::os::fd::AsFd::as_fd(&std::io::stderr()).try_clone_to_owned();
    #[cfg(windows)]
    let stderr = std::os::windows::io::AsHandle::as_handle(&std::io::stderr()).try_clone_to_owned();
    #[cfg(not(any(unix, windows)))]
    let stderr = std::io::Result::Ok(std::io::stderr());

    #[cfg(any(unix, windows))]
    let stderr = stderr.map(std::fs::File::from);
    let _ = stderr.and_then(|mut stderr| stderr.write_all(line.as_bytes()));
}

/// What is asked of the system is asked when the program is loaded, or the library that this is linked into: a program may
/// give up its rights later. The C library calls this before the constructor functions of both, those with a reserved
/// priority excepted (std's own has 99), and before `main`.
#[cfg(all(any(target_os = "linux", target_os = "android"), not(any(pool_loom, miri))))]
extern "C" fn ask_at_load() {
    backend();
    count();
    table_len();
}

// In the same module as `DECISION`: a program is linked with both or neither.
#[cfg(all(any(target_os = "linux", target_os = "android"), not(any(pool_loom, miri))))]
#[used]
// SAFETY: the C library calls what stands in this section, with arguments that a C function need not take.
#[unsafe(link_section = ".init_array.00098")]
static ASK_AT_LOAD: extern "C" fn() = ask_at_load;

/// How many CPUs the process may use: zero before it was asked.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The number of CPUs that the process may use, as it was when this was last asked: when the program was loaded, or by
/// [`recount`].
pub(crate) fn count() -> usize {
    match COUNT.load(Relaxed) {
        0 => recount(),
        count => count,
    }
}

/// Asks again how many CPUs the process may use, and says it. Opens no file: the quota of its control groups is that of when
/// the program was loaded.
pub(crate) fn recount() -> usize {
    // Where the system does not tell any more, it is as it was.
    match (topology::usable(), COUNT.load(Relaxed)) {
        (None, before @ 1..) => before,
        (now, _) => {
            let now = now.unwrap_or(1);
            COUNT.store(now, Relaxed);
            now
        }
    }
}

/// What was answered first, which is the same for everybody from then on. Zero stands for no answer yet.
fn asked_once(answer: &AtomicUsize, ask: impl FnOnce() -> usize) -> usize {
    match answer.load(Relaxed) {
        0 => {
            let found = ask();
            answer.compare_exchange(0, found, Relaxed, Relaxed).map_or_else(|first| first, |_| found)
        }
        answer => answer,
    }
}

/// How many slots share a pool's bound: as many as threads of the process run at once; on the portable backend, twice that.
pub(crate) fn slots() -> usize {
    if area().is_some() { count() } else { portable::slots() }
}

/// How many slots the first table of a pool has: with restartable sequences one for each number that a CPU can have, which no
/// concurrency id exceeds, whatever the process may run on later.
pub(crate) fn table_len() -> usize {
    if area().is_some() { topology::numbers() } else { portable::slots() }
}

/// Notes that a pool is about to make the slot with this number.
pub(crate) fn note(number: usize) {
    if let Some(area) = area() {
        area.note(number);
    }
}

/// The number of the slot that the calling thread works with: its concurrency id, its CPU's number, or one of its own.
pub(crate) fn number() -> usize {
    // A thread without a registered area has none.
    area().and_then(Area::number).unwrap_or_else(portable::assigned_slot)
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
