//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Shows a pool of print buffers that grows under load and shrinks when it is quiet.
#[derive(Parser)]
#[command(name = "breathe")]
pub(crate) struct Options {
    /// How long it takes, from 1 to 3600 seconds.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub(crate) seconds: u16,

    /// Write the chart to FILE, as an SVG. A file that exists is overwritten.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}
