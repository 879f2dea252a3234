//! The command line.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Parser;

/// The sizes that `--block` accepts, in bytes. A window holds 64 blocks and more: the upper limit bounds the memory.
const BLOCK: RangeInclusive<usize> = 1024..=4 << 20;

/// Compresses files in parallel, each to a `.gz` that `gunzip` reads. The sources are kept.
#[derive(Parser)]
#[command(name = "squeeze")]
pub(crate) struct Options {
    /// Files and folders; without any, the sources of this workspace are compressed into a temporary folder.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Write under DIR, in the structure of the sources, instead of next to them.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Size of a block, from 1KiB to 4MiB.
    #[arg(long, value_name = "SIZE", default_value = "16KiB", value_parser = block_size)]
    pub(crate) block: usize,

    /// Compression level: 0 stores, 1 is fastest, 9 is smallest.
    #[arg(long, value_name = "LEVEL", default_value_t = 6, value_parser = clap::value_parser!(u32).range(0..=9))]
    pub(crate) level: u32,

    /// Number of threads; by default one for each CPU.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,

    /// Overwrite outputs that exist.
    #[arg(long)]
    pub(crate) force: bool,

    /// Then compress the same blocks in memory, in turns with pooled and with fresh contexts and buffers.
    #[arg(long)]
    pub(crate) compare: bool,
}

fn block_size(text: &str) -> Result<usize, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => 0,
    };
    match digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit)) {
        Some(size) if BLOCK.contains(&size) => Ok(size),
        _ => Err("write a size from 1KiB to 4MiB: bytes as `65536`, or with a unit as `64KiB`, `1MiB`".to_owned()),
    }
}
