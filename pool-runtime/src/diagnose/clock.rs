//! The time, on systems that tell it.

use core::time::Duration;
use std::time::Instant;

/// `None` if the system has no clock: std panics there.
pub(super) fn now() -> Option<Instant> {
    (!cfg!(all(target_family = "wasm", target_os = "unknown"))).then(Instant::now)
}

/// The time between the two, as far as they are known.
pub(super) fn between(since: Option<Instant>, until: Option<Instant>) -> Duration {
    since.zip(until).map_or(Duration::ZERO, |(since, until)| until.saturating_duration_since(since))
}
