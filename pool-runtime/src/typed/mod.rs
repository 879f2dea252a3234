//! The typed face of a pool: these files know the user's type and run the user's code, `new`, `reset`, `retain` and `Drop`.
//!
//! These files name each other, as no others do: methods of the trait return the guard, the guard is bounded by the trait, and both reach the
//! pool.

pub(crate) mod forward;
pub(crate) mod guard;
pub(crate) mod hooks;
mod objects;
pub(crate) mod owned_guard;
pub(crate) mod owned_pool;
pub(crate) mod pool;
pub(crate) mod pooled;
