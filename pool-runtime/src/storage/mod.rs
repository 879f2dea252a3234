//! A pool's decisions: the places where an acquire looks and a release puts, in which order, how many objects may be idle, and which of
//! them a sweep takes. This code is compiled once, for every pooled type: it moves `Object`s.
//!
//! Below it are `slots`, the places, and `machine`, the facts about the process. Above it is `typed`, which knows the type.

mod backoff;
pub(crate) mod bound;
pub(crate) mod chaos;
pub(crate) mod current;
pub(crate) mod drops;
pub(crate) mod life;
pub(crate) mod live;
#[cfg(all(test, pool_loom))]
mod models;
pub(crate) mod owned;
pub(crate) mod scales;
pub(crate) mod store;
pub(crate) mod sweep;
pub(crate) mod sweeping;
