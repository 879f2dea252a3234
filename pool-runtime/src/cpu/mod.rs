//! What the process runs on: how many CPUs, which slot a thread works with, and whether pooling is on.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod affinity;
mod portable;

use core::fmt;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU8, AtomicUsize};
use std::ffi::OsStr;
use std::io::Write as _;

#[cfg(all(test, loom))]
pub(crate) use portable::set_slot;
pub(crate) use portable::{assigned_slot, move_on, slot};

/// How the private stacks of all pools work in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// A try-lock of one byte per private stack; threads have slots by number.
    Portable,
    /// Pooling is off: every acquire creates, and every release drops.
    Off,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Portable => "portable",
            Self::Off => "off",
        })
    }
}

/// How the private stacks of all pools work in this process.
///
/// Decided at the first call or the first use of a pool, from the environment variable `POOL_BACKEND`: `portable` or
/// `off`. Any other value is reported once on standard error, and ignored.
///
/// `off` is for comparing with the allocator, and for programs that look for leaks and bad addresses.
pub fn backend() -> Backend {
    match BACKEND.load(Relaxed) {
        UNDECIDED => decide(),
        PORTABLE => Backend::Portable,
        _ => Backend::Off,
    }
}

static BACKEND: AtomicU8 = AtomicU8::new(UNDECIDED);
const UNDECIDED: u8 = 0;
const PORTABLE: u8 = 1;
const OFF: u8 = 2;

#[cold]
fn decide() -> Backend {
    let value = std::env::var_os("POOL_BACKEND").unwrap_or_default();
    let known = parse(&value);
    let backend = known.unwrap_or(Backend::Portable);
    let code = if backend == Backend::Off { OFF } else { PORTABLE };
    // Whoever stores first reports. All have read the same value, unless the program changes its environment.
    if BACKEND.compare_exchange(UNDECIDED, code, Relaxed, Relaxed).is_err() {
        return self::backend();
    }
    if known.is_none() {
        report(&format!(
            "pool-runtime: the environment variable POOL_BACKEND is `{}` and is ignored: expected `portable` or `off`\n",
            value.to_string_lossy()
        ));
    }
    backend
}

/// Writes to standard error, past the lock that std has on it: an acquire waits for no other thread. Where standard
/// error is closed, there is nobody to tell.
fn report(line: &str) {
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

/// What a value of `POOL_BACKEND` asks for. An empty one asks for nothing.
fn parse(value: &OsStr) -> Option<Backend> {
    match value.to_str()? {
        "" | "portable" => Some(Backend::Portable),
        "off" => Some(Backend::Off),
        _ => None,
    }
}

/// The number of CPUs that the process may use, as it was when this was first asked.
pub(crate) fn count() -> usize {
    static COUNT: AtomicUsize = AtomicUsize::new(if cfg!(loom) { 1 } else { 0 });
    match COUNT.load(Relaxed) {
        0 => {
            let mut count = std::thread::available_parallelism().map_or(1, usize::from);
            // std asks for the calling thread, which may be one of many that are each bound to a CPU of their own. Where
            // that binding is the limit, and no quota, the main thread's counts.
            #[cfg(any(target_os = "linux", target_os = "android"))]
            if affinity::of_calling_thread() == Some(count) {
                count = count.max(affinity::of_main_thread().unwrap_or(1));
            }
            // Whoever stores first decides: the number is the same for everybody from then on.
            COUNT.compare_exchange(0, count, Relaxed, Relaxed).map_or_else(|first| first, |_| count)
        }
        count => count,
    }
}

/// How many slots a pool can have at the most.
pub(crate) fn max_slots() -> usize {
    portable::SLOTS_PER_CPU * count()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn pool_backend_is_one_of_two_words() {
        assert_eq!(parse(OsStr::new("")), Some(Backend::Portable));
        assert_eq!(parse(OsStr::new("portable")), Some(Backend::Portable));
        assert_eq!(parse(OsStr::new("off")), Some(Backend::Off));
        for unknown in ["OFF", "on", "portable ", "0"] {
            assert_eq!(parse(OsStr::new(unknown)), None, "{unknown:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_unicode_is_unknown() {
        use std::os::unix::ffi::OsStrExt as _;
        assert_eq!(parse(OsStr::from_bytes(b"off\xff")), None);
    }
}
