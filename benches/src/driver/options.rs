//! The command line.

use std::path::PathBuf;

use benches::protocol::Scenario;
use clap::{Parser, ValueEnum};

/// Measures this project's pool beside others, beside the allocators, and beside Go's.
#[derive(Parser)]
#[command(name = "benches", after_help = "What the scenarios are, and how to read the tables: docs/performance.md.")]
pub(crate) struct Options {
    /// Only these scenarios.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME")]
    pub(crate) scenario: Vec<Scenario>,

    /// Ours on these backends only.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME")]
    pub(crate) backend: Vec<Backend>,

    /// Only contestants with one of these words in their names, beside ours.
    #[arg(long, value_delimiter = ',', value_name = "WORD")]
    pub(crate) against: Vec<String>,

    /// These numbers of threads, in the scenarios that let them be chosen.
    #[arg(long, value_delimiter = ',', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Vec<u16>,

    /// Bind each thread to a CPU.
    #[arg(long)]
    pub(crate) pin: bool,

    /// How long the run may take, in seconds, about. Scenarios that take their own time come on top.
    #[arg(long, value_name = "N", default_value_t = SECONDS, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,

    /// How often everything is measured, in turns.
    #[arg(long, value_name = "N", default_value_t = ROUNDS, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,

    /// Check every contestant, and measure each scenario once, for two milliseconds, on up to two threads. The figures
    /// mean nothing. Contestants that take long to compile, and scenarios that take long to run, are left out.
    #[arg(long, conflicts_with_all = ["seconds", "rounds", "threads", "json", "docs", "svg"])]
    pub(crate) quick: bool,

    /// The `go` command, 1.23 or later.
    #[arg(long, value_name = "PATH", default_value = "go")]
    pub(crate) go: PathBuf,

    /// The file for all figures, for `--from`.
    #[arg(long, value_name = "FILE", default_value = "target/benches/figures.json")]
    pub(crate) json: PathBuf,

    /// Write a picture of each scenario here.
    #[arg(long, value_name = "DIR")]
    pub(crate) svg: Option<PathBuf>,

    /// Rewrite the tables in these Markdown files, between their `<!-- benches: … -->` marks.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) docs: Vec<PathBuf>,

    /// Measure nothing: read a file that `--json` wrote.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["quick", "json"])]
    pub(crate) from: Option<PathBuf>,

    /// Be a child, which measures.
    #[arg(long, hide = true, value_enum)]
    pub(crate) child: Option<Child>,
}

impl Options {
    pub(crate) fn wants(&self, scenario: Scenario) -> bool {
        self.scenario.is_empty() || self.scenario.contains(&scenario)
    }

    /// Whether a contestant takes part.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.against.is_empty()
            || name.starts_with("pool-runtime")
            || self.against.iter().any(|word| name.contains(word))
    }

    /// The options that decide about the measurements, and are not the default.
    pub(crate) fn shown(&self) -> String {
        let lists = [
            ("--scenario", self.scenario.iter().map(|&scenario| scenario.name()).collect::<Vec<_>>()),
            ("--backend", self.backend.iter().map(|backend| backend.name().to_owned()).collect()),
            ("--against", self.against.clone()),
            ("--threads", self.threads.iter().map(u16::to_string).collect()),
        ];
        let mut shown: Vec<String> = lists
            .iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(option, list)| format!("{option} {}", list.join(",")))
            .collect();
        if self.pin {
            shown.push("--pin".to_owned());
        }
        if self.seconds != SECONDS {
            shown.push(format!("--seconds {}", self.seconds));
        }
        if self.rounds != ROUNDS {
            shown.push(format!("--rounds {}", self.rounds));
        }
        shown.join(" ")
    }
}

const SECONDS: u32 = 120;
const ROUNDS: u32 = 5;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Child {
    Ours,
    Field,
}

/// A value of `POOL_BACKEND`.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    Rseq,
    RseqCpu,
    Portable,
    Off,
}

impl Backend {
    pub(crate) const ALL: [Self; 4] = [Self::Rseq, Self::RseqCpu, Self::Portable, Self::Off];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rseq => "rseq",
            Self::RseqCpu => "rseq-cpu",
            Self::Portable => "portable",
            Self::Off => "off",
        }
    }
}
