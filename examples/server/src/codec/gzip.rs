//! gzip, by zlib-rs.

use flate2::{Compress, Compression, FlushCompress, Status};
use pool_runtime::Pooled;

use super::{Codec, Step};
use crate::store::stored;

/// The level of each context.
const LEVEL: u32 = 6;

/// The window: 2 to the power of this, in bytes. It is the largest.
const WINDOW: u8 = 15;

/// A context has about so many bytes of tables. The crate does not tell.
const BYTES: usize = 290 << 10;

#[derive(Pooled)]
#[pooled(new = Self::new, weigh = |_| BYTES)]
pub(crate) struct Gzip {
    #[pooled(with = Compress::reset)]
    deflate: Compress,
}

stored!(Gzip);

impl Gzip {
    fn new() -> Self {
        Self { deflate: Compress::new_gzip(Compression::new(LEVEL), WINDOW) }
    }
}

impl Codec for Gzip {
    const ENCODING: &'static str = "gzip";

    fn step(&mut self, input: &[u8], is_last: bool, output: &mut Vec<u8>) -> Step {
        let flush = if is_last { FlushCompress::Finish } else { FlushCompress::None };
        let before = self.deflate.total_in();
        let status = self.deflate.compress_vec(input, output, flush).expect("the stream has not ended");
        Step { read: (self.deflate.total_in() - before) as usize, is_done: status == Status::StreamEnd }
    }
}
