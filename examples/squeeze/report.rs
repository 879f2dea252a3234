//! The files that were compressed, and those that could not be.

use std::fmt;
use std::io::{self, Write};
use std::iter::Sum;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::HumanBytes;

/// A path, and why nothing came of it.
pub(crate) struct Failure {
    path: PathBuf,
    reason: String,
}

impl Failure {
    pub(crate) fn new(path: &Path, reason: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// The number of files in the folders that were left alone.
#[derive(Clone, Copy, Default)]
pub(crate) struct Skipped {
    pub(crate) gzip: u64,
    /// Symbolic links, sockets, devices.
    pub(crate) special: u64,
}

/// The files that were compressed, and their bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) files: u64,
    pub(crate) failed: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) blocks: u64,
}

impl Sum for Totals {
    fn sum<I: Iterator<Item = Self>>(totals: I) -> Self {
        totals.fold(Self::default(), |a, b| Self {
            files: a.files + b.files,
            failed: a.failed + b.failed,
            bytes_in: a.bytes_in + b.bytes_in,
            bytes_out: a.bytes_out + b.bytes_out,
            blocks: a.blocks + b.blocks,
        })
    }
}

/// The table at the end.
pub(crate) struct Report {
    pub(crate) totals: Totals,
    pub(crate) skipped: Skipped,
    /// Files and folders.
    pub(crate) failed: u64,
    /// Deflate contexts that the pool has made.
    pub(crate) contexts: u64,
    /// Buffers that the pool has made.
    pub(crate) buffers: u64,
    /// From the start of the walk to the last rename.
    pub(crate) wall: Duration,
}

impl Report {
    pub(crate) fn print(&self) -> io::Result<()> {
        let Totals { files, bytes_in, bytes_out, blocks, .. } = self.totals;
        let Skipped { gzip, special } = self.skipped;
        let seconds = self.wall.as_secs_f64();
        let mut out = io::stdout().lock();
        writeln!(out, "files          {files:>12}")?;
        writeln!(out, "  skipped      {:>12}   {gzip} .gz, {special} links and special files", gzip + special)?;
        writeln!(out, "  failed       {:>12}", self.failed)?;
        writeln!(out, "bytes in       {bytes_in:>12}   {}", HumanBytes(bytes_in))?;
        writeln!(out, "bytes out      {bytes_out:>12}   {}", HumanBytes(bytes_out))?;
        if bytes_out > 0 {
            writeln!(out, "ratio          {:>12.2}   in / out", bytes_in as f64 / bytes_out as f64)?;
        }
        writeln!(out, "blocks         {blocks:>12}")?;
        writeln!(out, "contexts made  {:>12}", self.contexts)?;
        writeln!(out, "buffers made   {:>12}", self.buffers)?;
        writeln!(out, "wall time      {seconds:>10.2} s")?;
        writeln!(out, "throughput     {:>7.1} MB/s", bytes_in as f64 / seconds / 1e6)
    }
}
