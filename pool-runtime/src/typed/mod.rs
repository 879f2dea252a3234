//! Where the user's type is known and the user's code runs: `new`, `reset`, `retain` and `Drop`.
//!
//! `pooled`, `pool` and `guard` name each other: methods of the trait return the guard, and the guard is bounded by the trait.

pub(crate) mod forward;
pub(crate) mod guard;
pub(crate) mod pool;
pub(crate) mod pooled;
