//! The runtime in a library of its own: a program and its plugins have one copy of it.

pub use pool_runtime;
