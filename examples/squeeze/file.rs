//! One file: read in blocks, compressed, written, read back, renamed.
//!
//! # Invariants
//!
//! 1. A name that ends in `.gz` appears only by renaming a file that is complete and was read back. Until then it is a
//!    temporary file in the same folder, which is removed on every way out.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};

use flate2::Crc;
use indicatif::ProgressBar;
use pool_runtime::{Guard, Pooled};
use rayon::prelude::*;
use tempfile::NamedTempFile;

use crate::gzip;
use crate::pooled::{Buffer, Context};
use crate::report::{Failure, Totals};
use crate::source::Job;

/// A file of more blocks is worth all threads; a stretch of as many blocks is read back at a time.
const STRETCH: usize = 64;

/// How many blocks of a large file are in memory: a few for each thread, so that no thread waits long for the last block.
pub(crate) fn window(threads: usize) -> usize {
    STRETCH.max(4 * threads)
}

/// The settings that are the same for every file.
pub(crate) struct Squeezer<'a> {
    /// Size of a block.
    pub(crate) block: usize,
    /// Whether an output that exists is overwritten.
    pub(crate) force: bool,
    /// Told of the bytes that were read.
    pub(crate) progress: &'a ProgressBar,
}

/// Consecutive members of a file that was written.
struct Stretch {
    /// The offset of the first member.
    start: u64,
    /// Length of all members.
    packed: u64,
    blocks: usize,
    /// Of the bytes that were read from the source.
    crc: Crc,
}

impl Squeezer<'_> {
    /// The size above which a file is large: compressed by all threads, instead of one of many that run in parallel.
    pub(crate) fn large(&self) -> u64 {
        (STRETCH * self.block) as u64
    }

    /// Compresses one file, `window` blocks at a time.
    pub(crate) fn squeeze(&self, job: &Job, window: usize) -> Result<Totals, Failure> {
        self.write_and_rename(job, window).map_err(|reason| Failure::new(&job.source, reason))
    }

    fn write_and_rename(&self, job: &Job, window: usize) -> Result<Totals, String> {
        let output = &job.output;
        let unwritable = |error: io::Error| format!("cannot write `{}`: {error}", output.display());
        // Asked before the work; a file that appears during the work is not overwritten either.
        if !self.force && fs::symlink_metadata(output).is_ok() {
            return Err(format!("`{}` exists already; `--force` overwrites it", output.display()));
        }
        let source = File::open(&job.source).map_err(unreadable)?;
        let metadata = source.metadata().map_err(unreadable)?;
        let folder = output.parent().expect("an output has a name, so it is in a folder");
        fs::create_dir_all(folder).map_err(unwritable)?;
        let mut temporary = tempfile::Builder::new().prefix(".squeeze-").tempfile_in(folder).map_err(unwritable)?;

        let stretches = self.pack(source, metadata.len(), temporary.as_file_mut(), window, unwritable)?;
        stretches.par_iter().try_for_each(|stretch| stretch.verify(&temporary)).map_err(unwritable)?;
        temporary.as_file().set_permissions(metadata.permissions()).map_err(unwritable)?;
        let renamed = if self.force { temporary.persist(output) } else { temporary.persist_noclobber(output) };
        renamed.map_err(|error| unwritable(error.error))?;

        Ok(Totals {
            files: 1,
            failed: 0,
            bytes_in: metadata.len(),
            bytes_out: stretches.iter().map(|stretch| stretch.packed).sum(),
            blocks: stretches.iter().map(|stretch| stretch.blocks as u64).sum(),
        })
    }

    /// Reads `source` to its end and writes its members; `len` is how long it was when it was opened.
    fn pack(
        &self,
        source: impl Read,
        len: u64,
        output: &mut impl Write,
        window: usize,
        unwritable: impl Fn(io::Error) -> String,
    ) -> Result<Vec<Stretch>, String> {
        // A byte more than its size shows that it grew, and a file that grows for ever comes to an end.
        let mut source = source.take(len + 1);
        let mut stretches = Vec::<Stretch>::new();
        let mut read = 0;
        loop {
            let mut blocks = read_window(&mut source, self.block, window).map_err(unreadable)?;
            let bytes = blocks.iter().map(|block| block.bytes.len() as u64).sum::<u64>();
            read += bytes;
            // An empty file has one member too, an empty one.
            if read > 0 {
                blocks.retain(|block| !block.bytes.is_empty());
            }

            let pack = |block: Guard<Buffer>| {
                let mut packed = Buffer::acquire();
                let crc = gzip::write_member(&mut Context::acquire(), &block.bytes, &mut packed.bytes);
                (packed, crc)
            };
            let members: Vec<_> = blocks.into_par_iter().map(pack).collect();
            for (packed, crc) in members {
                output.write_all(&packed.bytes).map_err(&unwritable)?;
                Stretch::append(&mut stretches, packed.bytes.len(), &crc);
            }
            self.progress.inc(bytes);
            if bytes < (window * self.block) as u64 {
                break;
            }
        }
        match read {
            read if read < len => Err(format!("shrank from {len} to {read} bytes while it was read")),
            read if read > len => Err(format!("grew beyond its {len} bytes while it was read")),
            _ => Ok(stretches),
        }
    }
}

impl Stretch {
    fn append(stretches: &mut Vec<Stretch>, packed: usize, crc: &Crc) {
        match stretches.last_mut() {
            Some(last) if last.blocks < STRETCH => {
                last.packed += packed as u64;
                last.blocks += 1;
                last.crc.combine(crc);
            }
            last => {
                let start = last.map_or(0, |last| last.start + last.packed);
                let mut sum = Crc::new();
                sum.combine(crc);
                stretches.push(Stretch { start, packed: packed as u64, blocks: 1, crc: sum });
            }
        }
    }

    /// Reads the members back and compares them with the bytes that were read from the source.
    fn verify(&self, written: &NamedTempFile) -> io::Result<()> {
        let mut file = written.reopen()?;
        file.seek(SeekFrom::Start(self.start))?;
        let crc = gzip::read_members(file.take(self.packed))?;
        if (crc.amount(), crc.sum()) != (self.crc.amount(), self.crc.sum()) {
            return Err(io::Error::other("what was written does not decompress to what was read"));
        }
        Ok(())
    }
}

fn unreadable(error: io::Error) -> String {
    format!("cannot read: {error}")
}

/// Up to `window` blocks. The last one is short, or empty, if the source ends in it.
fn read_window(source: &mut impl Read, block: usize, window: usize) -> io::Result<Vec<Guard<Buffer>>> {
    let mut blocks = Vec::new();
    while blocks.len() < window {
        let mut buffer = Buffer::acquire();
        buffer.bytes.reserve(block);
        let read = source.by_ref().take(block as u64).read_to_end(&mut buffer.bytes)?;
        blocks.push(buffer);
        if read < block {
            break;
        }
    }
    Ok(blocks)
}
