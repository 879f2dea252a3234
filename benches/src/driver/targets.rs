//! The project's targets for its own figures, and whether they are met.

use std::fmt::Write;

use benches::protocol::{Kind, OURS, Scenario};

use crate::driver::markdown::markdown;
use crate::driver::plan::Info;
use crate::driver::report::{Report, Results, Row};

struct Target {
    ours: &'static str,
    scenario: Scenario,
    /// At this number of threads and above.
    threads: usize,
    wanted: Wanted,
}

/// The target, at every number of threads.
enum Wanted {
    /// The ratio to another contestant.
    AtMost(f64, &'static str),
    /// No contestant that shares objects between threads is faster, apart from these.
    First(&'static [&'static str]),
}
use Wanted::{AtMost, First};

const PORTABLE: &str = "pool-runtime, portable";

/// A pool that is a value.
const OWNED: &str = "pool-runtime OwnedPool, rseq";

/// In these, an object that a thread releases is never acquired by another.
const NOT_SHARED: [&str; 2] = ["thread_local! Vec", "thread_local crate, Cell"];

const GO: &str = "Go sync.Pool";

const TARGETS: [Target; 9] = [
    on_rseq(Scenario::Pair, AtMost(2.0, "limit: thread-local cell")),
    on_rseq(Scenario::Pair, AtMost(1.0, "thread_local! Vec")),
    on_rseq(Scenario::Pair, AtMost(0.35, GO)),
    on_rseq(Scenario::Pair, AtMost(0.35, "no pool, jemalloc")),
    on_rseq(Scenario::Burst, AtMost(1.2, "thread_local! Vec")),
    on_rseq(Scenario::Handoff, First(&[])),
    on_rseq(Scenario::Starvation, First(&[])),
    Target { ours: OWNED, scenario: Scenario::Pair, threads: 1, wanted: AtMost(1.15, OURS) },
    Target { ours: PORTABLE, scenario: Scenario::Pair, threads: 2, wanted: First(&[GO]) },
];

const fn on_rseq(scenario: Scenario, wanted: Wanted) -> Target {
    Target { ours: OURS, scenario, threads: 1, wanted }
}

/// One row for each, with the ratio of the medians at each number of threads.
pub(crate) fn table(report: &Report) -> String {
    let head = ["ours, time", "over", "wanted", "measured", ""];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(TARGETS.iter().map(|target| target.line(report)));
    markdown(&lines)
}

impl Target {
    fn line(&self, report: &Report) -> Vec<String> {
        let info = Info::of(self.scenario);
        let mut ratios = String::new();
        let mut met = true;
        for cell in report.of(self.scenario).into_iter().filter(|cell| cell.threads >= self.threads) {
            let ratio = |other| cell.ratio(self.ours, other, info.figures[0].0);
            let (ratio, is_met, who) = match self.wanted {
                AtMost(wanted, other) => {
                    let Some(ratio) = ratio(other) else { continue };
                    (ratio, ratio.median <= wanted, String::new())
                }
                First(beside) => {
                    let Some((best, ratio)) = rivals(cell, beside)
                        .filter_map(|rival| Some((rival, ratio(rival)?)))
                        .max_by(|(_, one), (_, other)| one.median.total_cmp(&other.median))
                    else {
                        continue;
                    };
                    let is_first = ratio.median <= 1.0;
                    (ratio, is_first, if is_first { String::new() } else { format!(" ({best})") })
                }
            };
            met &= is_met;
            let comma = if ratios.is_empty() { "" } else { ", " };
            let label = if info.sizes.len() > 1 { cell.cell().heading() } else { cell.threads.to_string() };
            let _ = write!(ratios, "{comma}{label}: {:.2}{who}", ratio.median);
        }
        let verdict = match (ratios.is_empty(), met) {
            (true, _) => "not measured",
            (false, true) => "met",
            (false, false) => "**missed**",
        };
        let (over, wanted) = match self.wanted {
            AtMost(ratio, other) => (other, format!("{ratio:.2}")),
            First([]) => ("the best that shares", "first".to_owned()),
            First(_) => ("the best crate that shares", "first".to_owned()),
        };
        let ours = self.ours.trim_start_matches("pool-runtime").trim_start_matches([',', ' ']);
        vec![format!("{}, {ours}", self.scenario.name()), over.to_owned(), wanted, ratios, verdict.to_owned()]
    }
}

/// Those that share objects between threads, ours left out.
fn rivals<'a>(cell: &'a Results, beside: &'static [&'static str]) -> impl Iterator<Item = &'a str> {
    let is_rival = move |row: &&Row| {
        matches!(row.kind, Kind::Peer) && !NOT_SHARED.iter().chain(beside).any(|name| *name == row.name)
    };
    cell.rows.iter().filter(is_rival).map(|row| row.name.as_str())
}
