//! The code that the derives write.
//!
//! # Invariants
//!
//! 1. Only paths of `::core` and of `__pool_runtime` are written: no name of the user's module is relied on. The runtime is
//!    imported once, by the path of the key `crate`, so that a wrong path is a single error.
//! 2. An expression of the user's cannot see a name that is written here, and no such name is taken for a constant of the user's.
//!    Parameters and variables have the span of the macro, which hides them; items are not hidden. All begin with two underscores.
//! 3. Tokens have the span of the word that is at fault if the compiler refuses them.

mod create;
mod pooled;
mod reset;
mod rules;
mod tokens;
mod weigh;
mod wipe;

pub(crate) use pooled::pooled;
pub(crate) use reset::reset;
pub(crate) use tokens::import;
