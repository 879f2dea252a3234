//! What the conformance tests share.

pub mod allocator;
pub mod child;
pub mod collector;
pub mod counted;
pub mod cpu;
pub mod guards;
pub mod operation;
pub mod random;
pub mod reuse;
pub mod watchdog;
