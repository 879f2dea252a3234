//! What the conformance tests share.

pub mod child;
pub mod counted;
pub mod cpu;
pub mod random;
pub mod watchdog;
