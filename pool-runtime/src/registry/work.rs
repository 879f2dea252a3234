//! [`Work`], the reason for a sweep.

use crate::storage::store::Store;

/// The reason for a sweep.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "only `tracing` is told"))]
pub(crate) enum Work {
    Collect,
    CollectOf(&'static Store),
    Age,
    AgeOf(&'static Store),
    /// A bound was set, and was this before.
    Bound(&'static Store, usize),
    Budget,
}

#[cfg(feature = "tracing")]
impl Work {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Collect | Self::CollectOf(_) => "collect",
            Self::Age | Self::AgeOf(_) => "age",
            Self::Bound(..) => "set_max_idle",
            Self::Budget => "max_bytes",
        }
    }

    /// The name of the only pool.
    pub(super) fn pool(self) -> Option<&'static str> {
        match self {
            Self::CollectOf(store) | Self::AgeOf(store) | Self::Bound(store, _) => Some(store.name()),
            Self::Collect | Self::Age | Self::Budget => None,
        }
    }
}
