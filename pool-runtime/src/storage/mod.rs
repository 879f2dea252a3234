//! A pool's decisions: where an acquire looks and where a release puts, in which order, how much may be idle, and what a sweep
//! takes. The same code for every pooled type, compiled once: it moves `Object`s.
//!
//! Below it are `slots`, the places, and `machine`, what the process runs on. Above it is `typed`, which knows the type.

mod backoff;
pub(crate) mod bound;
pub(crate) mod chaos;
pub(crate) mod current;
pub(crate) mod drops;
pub(crate) mod live;
#[cfg(all(test, pool_loom))]
mod models;
pub(crate) mod scales;
pub(crate) mod store;
pub(crate) mod sweep;
pub(crate) mod sweeping;
