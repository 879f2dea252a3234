//! The benchmark: the contestants, the scenarios, and the processes that measure.
//!
//! A run is one driver (`main`) and several children. A child measures one group of contestants: ours on one backend, all others
//! on the system's allocator, no pool on another allocator, Go. All speak one [`protocol`] on their standard input and output.
//! So backends, allocators and languages, of which a process has one, take part in the same rounds.
//!
//! From the bottom, and each of these modules names only those before it:
//!
//! - [`protocol`]: the questions to a child, and its answers
//! - [`contestant`]: the pools, behind one trait
//! - [`verify`]: the check that a contestant does what it is measured for
//! - [`scenario`]: the work that is done with a contestant, and its figures
//! - [`roster`]: every contestant, with its scenarios and its check
//! - [`child`]: answers questions about entries of the roster
//!
//! The driver, the binary's own, is above all of them.

#![deny(unsafe_code)]

pub mod child;
pub mod contestant;
pub mod protocol;
pub mod roster;
pub mod scenario;
pub mod verify;

// The types and the format of the example `squeeze`, which is one of the scenarios.
#[path = "../../examples/squeeze/gzip.rs"]
#[allow(dead_code, reason = "the example reads members back")]
mod gzip;
#[path = "../../examples/squeeze/pooled.rs"]
#[allow(dead_code, reason = "the example sets the level")]
mod pooled;
