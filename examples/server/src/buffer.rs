//! The pooled buffer, which becomes the body of an answer without a copy.

use bytes::Bytes;
use pool_runtime::Pooled;

use crate::store::{Held, stored};

/// The room of a new buffer, in bytes. A compressed body leaves in pieces of this size.
pub(crate) const CHUNK: usize = 32 << 10;

/// Bytes of an answer.
#[derive(Pooled)]
#[pooled(new = Self::new, weigh)]
pub(crate) struct Buffer {
    #[pooled(clear, max_capacity = CHUNK)]
    pub(crate) bytes: Vec<u8>,
}

stored!(Buffer);

impl Buffer {
    fn new() -> Self {
        Self { bytes: Vec::with_capacity(CHUNK) }
    }

    /// Whether a compressor has no room left.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() == self.bytes.capacity()
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The buffer as a piece of a body. It is given back when its last byte has been sent, or its connection is gone.
pub(crate) fn into_bytes(buffer: Held<Buffer>) -> Bytes {
    Bytes::from_owner(buffer)
}
