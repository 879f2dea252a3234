//! The pooled contexts of the compressors, behind one trait.

mod brotli;
mod gzip;
mod zstd;

pub(crate) use brotli::Brotli;
pub(crate) use gzip::Gzip;
pub(crate) use zstd::Zstd;

use crate::store::Stored;

/// A compressor's context: tables of hundreds of kilobytes, which make it expensive, and which a reset makes as good as new.
pub(crate) trait Codec: Stored {
    /// The name in `Content-Encoding`.
    const ENCODING: &'static str;

    /// Compresses as much of `input` as there is room for in the capacity of `output`, which does not grow.
    fn step(&mut self, input: &[u8], is_last: bool, output: &mut Vec<u8>) -> Step;
}

/// The outcome of a step.
pub(crate) struct Step {
    /// Bytes of the input that are done with.
    pub(crate) read: usize,
    /// Whether the output is complete. It takes an input that was the last.
    pub(crate) is_done: bool,
}
