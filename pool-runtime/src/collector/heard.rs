//! What the collector hears, and of whom: the words that it shares with the sources of pressure.

use core::error::Error;
use core::fmt;
use std::path::{Path, PathBuf};

/// Where a [`Collector`](crate::Collector) hears of memory pressure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PressureSource {
    /// What `MEMORY_PRESSURE_WATCH` in the environment names: a file of the kernel, a FIFO or a socket.
    Environment(PathBuf),
    /// `memory.pressure` of the process's cgroup, at this path.
    Cgroup(PathBuf),
    /// `/proc/pressure/memory`.
    Machine,
    /// Nowhere: it was told not to listen, or nothing works here ([`Collector::pressure_errors`](crate::Collector::pressure_errors)).
    None,
}

/// Why a source of memory pressure is not used, or no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PressureError(pub(super) String);

/// Why a sleep ended.
#[allow(dead_code, reason = "most of it happens on Linux alone")]
pub(super) enum Wake {
    Deadline,
    Alarm,
    Pressure,
    /// The source does not work any more.
    Lost(String),
    /// No sleep is possible.
    Broken(String),
}

impl PressureError {
    #[allow(dead_code, reason = "there are no sources but on Linux")]
    pub(super) fn new(path: &Path, error: impl fmt::Display) -> Self {
        let path = path.display().to_string();
        // One that is much longer is no path of this system's.
        let end = path.char_indices().nth(256).map_or(path.len(), |(end, _)| end);
        let cut = if end < path.len() { "…" } else { "" };
        Self(format!("`{}{cut}`: {error}", &path[..end]))
    }
}

impl fmt::Display for PressureSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(path) | Self::Cgroup(path) => write!(f, "`{}`", path.display()),
            Self::Machine => f.write_str("`/proc/pressure/memory`"),
            Self::None => f.write_str("none"),
        }
    }
}

impl fmt::Display for PressureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for PressureError {}
