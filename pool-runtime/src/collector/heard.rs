//! The reports that end the collector's sleep, and the sources that they come from: the types that `collector` and the sources share.

use core::error::Error;
use core::fmt;
use std::path::{Path, PathBuf};

/// A source from which a [`Collector`](crate::Collector) hears of memory pressure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PressureSource {
    /// The file of the kernel, the FIFO or the socket that `MEMORY_PRESSURE_WATCH` in the environment names.
    Environment(PathBuf),
    /// `memory.pressure` of the process's cgroup, at this path.
    Cgroup(PathBuf),
    /// `/proc/pressure/memory`.
    Machine,
    /// No source: the collector was told not to listen, or none works here ([`Collector::pressure_errors`](crate::Collector::pressure_errors)).
    None,
}

/// The reason why a source of memory pressure is not used, or not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PressureError(pub(super) String);

/// The reason why a sleep ended.
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
        // A text that is much longer is no path of this system.
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
