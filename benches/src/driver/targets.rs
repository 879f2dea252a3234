//! What the project wants of its own figures, and whether it has it.

use std::fmt::Write;

use benches::protocol::Scenario;

use crate::driver::report::Report;
use crate::driver::table::{OURS, markdown};

struct Target {
    scenario: Scenario,
    /// Whom ours on restartable sequences is compared with.
    against: &'static str,
    /// The ratio that is wanted, at every number of threads.
    at_most: f64,
}

const TARGETS: [Target; 5] = [
    Target { scenario: Scenario::Pair, against: "limit: thread-local cell", at_most: 2.0 },
    Target { scenario: Scenario::Pair, against: "thread_local! Vec", at_most: 1.0 },
    Target { scenario: Scenario::Pair, against: "Go sync.Pool", at_most: 0.35 },
    Target { scenario: Scenario::Pair, against: "no pool, jemalloc", at_most: 0.35 },
    Target { scenario: Scenario::Burst, against: "thread_local! Vec", at_most: 1.2 },
];

/// One row for each, with the ratio of the medians at each number of threads.
pub(crate) fn table(report: &Report) -> String {
    let head = ["ours on rseq, CPU time", "wanted", "measured, by threads", ""];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for Target { scenario, against, at_most } in &TARGETS {
        let mut ratios = String::new();
        let mut met = true;
        for cell in report.of(*scenario) {
            let figure = |name| cell.figure(name, "cpu_ns");
            let (Some(ours), Some(other)) = (figure(OURS), figure(against)) else { continue };
            let ratio = ours.median / other.median;
            met &= ratio <= *at_most;
            let _ = write!(ratios, "{}{}: {ratio:.2}", if ratios.is_empty() { "" } else { ", " }, cell.threads);
        }
        let verdict = match (ratios.is_empty(), met) {
            (true, _) => "not measured",
            (false, true) => "met",
            (false, false) => "**missed**",
        };
        let scenario = crate::driver::table::name(*scenario);
        lines.push(vec![format!("{scenario} / {against}"), format!("{at_most:.2}"), ratios, verdict.to_owned()]);
    }
    markdown(&lines)
}
