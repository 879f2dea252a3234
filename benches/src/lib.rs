//! The benchmark: what is measured, and the processes that measure it.
//!
//! A run is one driver (`main`) and several children. A child measures one group of contestants: ours on one backend,
//! what shares our allocator, no pool on another allocator, Go. All speak one [`protocol`] on their standard input and
//! output, so that what is bound to a process (the backend, the allocator, the language) takes part in the same rounds.
//!
//! - [`contestant`]: the pools, behind one trait
//! - [`scenario`]: what is done with them
//! - [`protocol`], [`child`]: how a child is asked, and answers
//! - [`verify`]: that a contestant does what it is measured for

#![deny(unsafe_code)]

pub mod child;
pub mod contestant;
pub mod protocol;
pub mod scenario;
pub mod verify;

// The types and the format of the example `squeeze`, which is one of the scenarios.
#[path = "../../examples/squeeze/gzip.rs"]
#[allow(dead_code, reason = "the example reads members back")]
mod gzip;
#[path = "../../examples/squeeze/pooled.rs"]
#[allow(dead_code, reason = "the example sets the level")]
mod pooled;
