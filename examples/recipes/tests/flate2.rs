//! A pooled compressor of flate2.

use flate2::{Compress, Compression, FlushCompress, Status};
use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = || Deflate { state: Compress::new(Compression::default(), true), output: Vec::new() })]
struct Deflate {
    #[pooled(with = Compress::reset)]
    state: Compress,
    #[pooled(max_capacity = 64 * 1024)]
    output: Vec<u8>,
}

fn compress(input: &[u8]) -> Vec<u8> {
    let mut deflate = Deflate::acquire();
    let Deflate { state, output } = &mut *deflate; // both at once
    output.reserve(input.len() + input.len() / 1000 + 64);
    let status = state.compress_vec(input, output, FlushCompress::Finish);
    assert!(matches!(status, Ok(Status::StreamEnd)), "the room is enough");
    output.clone()
}

#[test]
fn a_pooled_compressor_compresses() {
    let first = compress(b"hello hello hello");
    for _ in 0..100 {
        assert_eq!(compress(b"hello hello hello"), first);
        compress(b"something else");
    }
    let mut output = Vec::with_capacity(100);
    let mut decompress = flate2::Decompress::new(true);
    decompress.decompress_vec(&first, &mut output, flate2::FlushDecompress::Finish).unwrap();
    assert_eq!(output, b"hello hello hello");
    // Bytes that cannot be compressed, by a generator of Marsaglia.
    let mut state = 1_u32;
    let random: Vec<u8> = (0..1 << 20)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        })
        .collect();
    assert!(compress(&random).len() > random.len());
    assert_eq!(Deflate::pool().stats().created, 1);
}
