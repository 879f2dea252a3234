//! zstd: a context, which is dear to make, and the buffer for its frame.
//!
//! A context that is told the length of its input, as in [`at_once`], has tables of a fitting size. One that is not, as in
//! [`stream`], has those for large inputs, and costs the more for small ones.

use std::io;

use pool_runtime::Pooled;
use zstd::bulk::Compressor;
use zstd::stream::raw::{Encoder, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::compress_bound;

const LEVEL: i32 = 3;

/// The length of a part.
const PART: usize = 1 << 10;

/// A pool does not keep the memory of a larger frame.
const LARGEST: usize = 1 << 20;

/// A frame of a page that is there as a whole.
pub(crate) mod at_once {
    use super::*;

    #[derive(Pooled)]
    #[pooled(new = || Self::new().expect("memory for a context"))]
    struct Context {
        /// Each frame begins anew, and the level stays. The crate itself abandons a frame that fails.
        #[pooled(keep)]
        compressor: Compressor<'static>,
        #[pooled(max_capacity = LARGEST)]
        frame: Vec<u8>,
    }

    impl Context {
        fn new() -> io::Result<Self> {
            Ok(Self { compressor: Compressor::new(LEVEL)?, frame: Vec::new() })
        }
    }

    pub(crate) fn fresh(page: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        out.extend_from_slice(&Compressor::new(LEVEL)?.compress(page)?);
        Ok(())
    }

    pub(crate) fn pooled(page: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let mut guard = Context::try_acquire_with(Context::new)?;
        let Context { compressor, frame } = &mut *guard;
        frame.reserve(compress_bound(page.len()));
        compressor.compress_to_buffer(page, frame)?;
        out.extend_from_slice(frame);
        Ok(())
    }
}

/// A frame of a page that comes in parts, of unknown length.
pub(crate) mod stream {
    use super::*;

    #[derive(Pooled)]
    #[pooled(new = || Self::new().expect("memory for a context"))]
    struct Context {
        /// A frame that was not finished is abandoned.
        #[pooled(with = |encoder: &mut Encoder<'static>| encoder.reinit().expect("an end of the session"))]
        encoder: Encoder<'static>,
        #[pooled(max_capacity = LARGEST)]
        frame: Vec<u8>,
    }

    impl Context {
        fn new() -> io::Result<Self> {
            Ok(Self { encoder: Encoder::new(LEVEL)?, frame: Vec::new() })
        }
    }

    pub(crate) fn fresh(page: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let mut frame = Vec::new();
        write_frame(page, &mut Encoder::new(LEVEL)?, &mut frame)?;
        out.extend_from_slice(&frame);
        Ok(())
    }

    pub(crate) fn pooled(page: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let mut guard = Context::try_acquire_with(Context::new)?;
        let Context { encoder, frame } = &mut *guard;
        write_frame(page, encoder, frame)?;
        out.extend_from_slice(frame);
        Ok(())
    }

    fn write_frame(page: &[u8], encoder: &mut Encoder<'_>, frame: &mut Vec<u8>) -> io::Result<()> {
        // So much room that each step takes all of its input.
        frame.reserve(compress_bound(page.len()));
        let mut output = OutBuffer::around(frame);
        for part in page.chunks(PART) {
            encoder.run(&mut InBuffer::around(part), &mut output)?;
        }
        match encoder.finish(&mut output, true)? {
            0 => Ok(()),
            _ => Err(io::Error::other("a frame is longer than its bound")),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_frame_that_was_not_finished_leaves_nothing_to_the_next() {
            let mut context = Context::new().unwrap();
            context.encoder.run_on_buffers(&page(256), &mut [0; 64]).unwrap();
            Context::reset_object(&mut context);
            write_frame(&page(1), &mut context.encoder, &mut context.frame).unwrap();
            let mut expected = Vec::new();
            write_frame(&page(1), &mut Encoder::new(LEVEL).unwrap(), &mut expected).unwrap();
            assert_eq!(context.frame, expected);
        }
    }
}

/// A page of so many KiB, of words that repeat as those of a text do.
pub(crate) fn page(kib: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "acquire", "release", "reset", "retain", "slot", "stack", "shared", "steal", "refill", "flush", "victim",
        "age", "collect", "idle", "guard", "pool",
    ];
    let mut page = Vec::new();
    let mut random = 1_u64;
    while page.len() < kib << 10 {
        // Knuth's linear congruence: the same page in each run.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = WORDS[(random >> 60) as usize];
        page.extend_from_slice(format!("<li>{word} {}</li>", (random >> 32) % 1000).as_bytes());
    }
    page.truncate(kib << 10);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_the_page_again() {
        for kib in [0, 1, 256] {
            for way in [at_once::pooled, stream::pooled] {
                let (page, mut frame) = (page(kib), Vec::new());
                way(&page, &mut frame).unwrap();
                assert_eq!(zstd::bulk::decompress(&frame, page.len()).unwrap(), page);
            }
        }
    }
}
