//! What the conformance tests share.

pub mod allocator;
pub mod child;
pub mod counted;
pub mod cpu;
pub mod operation;
pub mod random;
pub mod reuse;
pub mod watchdog;
