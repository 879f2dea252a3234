//! A whole run, for a terminal.

use std::fmt::Write;

use benches::protocol::Scenario;
use clap::ValueEnum;

use crate::driver::plan::Info;
use crate::driver::report::Report;
use crate::driver::{table, targets};

/// The machine, the targets, and the table of each scenario that was measured.
pub(crate) fn show(report: &Report) -> String {
    let mut text = format!("{}\n{}", table::machine(report), targets::table(report));
    for &scenario in Scenario::value_variants() {
        if !report.of(scenario).is_empty() {
            let (name, about) = (scenario.name(), Info::of(scenario).about);
            let _ = write!(text, "\n## {name}\n\n{about}\n\n{}", table::table(report, scenario));
        }
    }
    text
}
