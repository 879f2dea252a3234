//! The pooled types: a deflate context and a buffer.

use std::sync::OnceLock;

use flate2::{Compress, Compression};
use pool_runtime::Pooled;

/// The level of every context of this run: a pool makes its objects without arguments.
static LEVEL: OnceLock<Compression> = OnceLock::new();

/// Sets the level of the contexts that are made from now on. Only the first call counts.
pub(crate) fn set_level(level: u32) {
    LEVEL.get_or_init(|| Compression::new(level));
}

/// A raw deflate stream with its tables, which are more than 250 KiB and make it expensive.
///
/// A thread uses one context at a time, so a CPU needs few.
#[derive(Pooled)]
#[pooled(new = Self::new, local = 2)]
pub(crate) struct Context {
    #[pooled(with = Compress::reset)]
    pub(crate) deflate: Compress,
}

impl Context {
    pub(crate) fn new() -> Self {
        Self { deflate: Compress::new(*LEVEL.get_or_init(Compression::default), false) }
    }
}

/// Bytes: a block that was read, or a member that is yet to be written.
#[derive(Default, Pooled)]
pub(crate) struct Buffer {
    pub(crate) bytes: Vec<u8>,
}
