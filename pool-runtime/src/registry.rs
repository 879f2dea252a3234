//! SKELETON.
#![allow(missing_docs)]
pub fn collect() {}
pub fn age() {}
pub fn stats() -> Vec<crate::stats::Stats> {
    Vec::new()
}
