//! Pooled contexts and buffers against fresh ones.
//!
//! The compression alone is compared, without the file system: blocks that are in memory are copied into a
//! buffer, as a read would, and compressed into another, on all threads. The one side acquires the context and the two
//! buffers and gives them back; the other makes them and drops them. Rounds of both sides alternate, and medians are
//! printed, so that other work of the machine hits both; the ratio is the median of the rounds' ratios.

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::time::Instant;

use pool_runtime::Pooled;
use rayon::prelude::*;

use crate::gzip;
use crate::pooled::{Buffer, Context};
use crate::source::Job;

/// The most that is held in memory, in bytes.
const SAMPLE: u64 = 16 << 20;

/// A round compresses at least so many bytes: a smaller sample is compressed several times.
const PASS: usize = 1 << 20;

/// Rounds on each side.
const ROUNDS: usize = 11;

/// The blocks of the first files, up to `SAMPLE` bytes. Files that cannot be read are passed over: they were named.
pub(crate) fn sample(jobs: &[Job], block: usize) -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    let mut left = SAMPLE;
    for job in jobs {
        if left == 0 {
            break;
        }
        let mut bytes = Vec::new();
        if File::open(&job.source).and_then(|file| file.take(left).read_to_end(&mut bytes)).is_ok() {
            left -= bytes.len() as u64;
            blocks.extend(bytes.chunks(block).map(<[u8]>::to_vec));
        }
    }
    blocks
}

/// Compresses all blocks, in turns with pooled and with fresh objects, and says how long either took.
pub(crate) fn pooled_against_fresh(blocks: &[Vec<u8>]) -> String {
    let bytes = blocks.iter().map(Vec::len).sum::<usize>();
    if bytes == 0 {
        return "nothing to compare".to_owned();
    }
    // The smallest block counts as 1 KiB, which is about the cost of its context.
    let passes = PASS.div_ceil(blocks.iter().map(|block| block.len().max(1024)).sum());
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|round| {
            // The side that comes second may find the machine warmer, or slower.
            if round % 2 == 0 {
                let pooled = time(blocks, passes, compress_pooled);
                (pooled, time(blocks, passes, compress_fresh))
            } else {
                let fresh = time(blocks, passes, compress_fresh);
                (time(blocks, passes, compress_pooled), fresh)
            }
        })
        .collect();
    format!(
        "compression alone, from memory: {passes} × {} blocks, {bytes} bytes; {ROUNDS} rounds in turns, medians, \
         of the ratio too\n\
         pooled {:.1} ms, fresh {:.1} ms: fresh takes {:.2} × the time",
        blocks.len(),
        median(rounds.iter().map(|(pooled, _)| 1e3 * pooled)),
        median(rounds.iter().map(|(_, fresh)| 1e3 * fresh)),
        median(rounds.iter().map(|(pooled, fresh)| fresh / pooled)),
    )
}

fn compress_pooled(block: &[u8]) {
    compress(&mut Context::acquire(), block, &mut Buffer::acquire(), &mut Buffer::acquire());
}

fn compress_fresh(block: &[u8]) {
    compress(&mut Context::new(), block, &mut Buffer::default(), &mut Buffer::default());
}

fn compress(context: &mut Context, block: &[u8], input: &mut Buffer, packed: &mut Buffer) {
    input.bytes.extend_from_slice(block);
    black_box(gzip::write_member(context, &input.bytes, &mut packed.bytes));
    black_box(&packed.bytes);
}

/// Seconds that all threads take for all blocks, `passes` times.
fn time(blocks: &[Vec<u8>], passes: usize, compress: fn(&[u8])) -> f64 {
    let start = Instant::now();
    for _ in 0..passes {
        blocks.par_iter().for_each(|block| compress(block));
    }
    start.elapsed().as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
