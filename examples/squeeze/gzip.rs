//! The gzip format (RFC 1952): writing one member, reading members back.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use flate2::{Crc, FlushCompress, Status};
use pool_runtime::Pooled;

use crate::pooled::{Buffer, Context};

/// Magic, deflate, no flags, no time, no hint about the level, unknown system: ten bytes.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// So many bytes are read back at a time.
const CHUNK: u64 = 16 << 10;

/// Appends `block`, compressed, as one member, and returns the checksum of the block.
///
/// The context has compressed nothing yet, or was reset since.
pub(crate) fn write_member(context: &mut Context, block: &[u8], packed: &mut Vec<u8>) -> Crc {
    let mut crc = Crc::new();
    crc.update(block);

    packed.extend_from_slice(&HEADER);
    // Enough at once for all but incompressible blocks.
    packed.reserve(block.len() + 64);
    let deflate = &mut context.deflate;
    loop {
        let rest = &block[deflate.total_in() as usize..];
        match deflate.compress_vec(rest, packed, FlushCompress::Finish).expect("the stream has not ended") {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError => packed.reserve(1024),
        }
    }
    packed.extend_from_slice(&crc.sum().to_le_bytes());
    packed.extend_from_slice(&crc.amount().to_le_bytes());
    crc
}

/// Decompresses all members, and returns the checksum of their content.
///
/// # Errors
///
/// An error of reading, and input that is not gzip or does not match its own checksum.
pub(crate) fn read_members(members: impl Read) -> io::Result<Crc> {
    let mut decoder = MultiGzDecoder::new(members);
    let mut buffer = Buffer::acquire();
    let mut crc = Crc::new();
    while decoder.by_ref().take(CHUNK).read_to_end(&mut buffer.bytes)? > 0 {
        crc.update(&buffer.bytes);
        buffer.bytes.clear();
    }
    Ok(crc)
}
