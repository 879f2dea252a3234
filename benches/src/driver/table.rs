//! The tables of a run: the machine, each scenario, the summary, and the objects that were made.

use std::fmt::Write;

use benches::protocol::{Kind, OURS, Scenario};

use crate::driver::markdown::markdown;
use crate::driver::plan::{Info, PER_SECOND};
use crate::driver::report::{BUSY, ENOUGH, Figure, NOISY, Report, Results, SHARED};

/// The machine and the options of a run, and how far its figures can be trusted.
pub(crate) fn machine(report: &Report) -> String {
    let machine = &report.machine;
    let mut arguments = report.arguments.clone();
    if !arguments.is_empty() {
        arguments.insert_str(0, " -- ");
    }
    let mut text = format!(
        "{}, {} CPUs; {}; {}; {}. {}. `cargo run --release -p benches{arguments}`\n\nMedians of {} rounds, in which all take \
         turns, ± the median distance from the median. Threads are {}bound to CPUs. `~`: the spread is more than {:.0} % of \
         the figure.\n",
        machine.processor,
        machine.cpus,
        machine.system,
        machine.rust,
        if machine.go.is_empty() { "no Go" } else { &machine.go },
        machine.date,
        report.rounds,
        if report.pinned { "" } else { "not " },
        100.0 * NOISY,
    );
    if let Some(others) = report.others.filter(|&others| others > BUSY) {
        let _ = writeln!(text, "\n**The machine was noisy: other programs had {:.0} % of it.**", 100.0 * others);
    }
    if report.shared > 0.0 {
        let _ = writeln!(
            text,
            "\nIn {:.0} % of the measurements a CPU did less than {SHARED} of what it does at its best, as half a core of a host \
             does whose other half is busy. A table leaves them out where all in it have {ENOUGH} others, and a ratio where both have.",
            100.0 * report.shared
        );
    }
    for line in &report.left_out {
        let _ = writeln!(text, "\nLeft out: {line}.");
    }
    for line in &report.failures {
        let _ = writeln!(text, "\nWrong: {line}.");
    }
    text
}

/// The table of a scenario, the best first, and the contestants that were better than ours.
pub(crate) fn table(report: &Report, scenario: Scenario) -> String {
    let info = Info::of(scenario);
    let results = report.of(scenario);
    let columns: Vec<(&Results, &str, String)> = results
        .iter()
        .flat_map(|&cell| {
            info.figures.iter().map(move |&(figure, heading)| {
                let heading = match (info.figures.len(), info.sizes.len() * info.threads.len()) {
                    (1, _) => cell.cell().heading(),
                    (_, 1) => heading.to_owned(),
                    _ => format!("{}, {heading}", cell.cell().heading()),
                };
                (cell, figure, heading)
            })
        })
        .collect();

    let mut names: Vec<(&str, Kind)> = Vec::new();
    for row in results.iter().flat_map(|cell| &cell.rows) {
        if !names.iter().any(|&(name, _)| name == row.name) {
            names.push((&row.name, row.kind));
        }
    }
    let rank = |name: &str| {
        let (cell, figure, _) = columns.first()?;
        cell.figure(name, figure).map(|figure| figure.median)
    };
    names.sort_by(|a, b| rank(a.0).unwrap_or(f64::MAX).total_cmp(&rank(b.0).unwrap_or(f64::MAX)));

    if results.iter().any(|results| results.cell().is_served()) {
        let lines = rows_of_cells(&results, info.figures, &names);
        return format!("{}\n{}", markdown(&lines), winners(&columns, &names));
    }
    let mut lines = vec![[String::new()].into_iter().chain(columns.iter().map(|it| it.2.clone())).collect::<Vec<_>>()];
    for &(name, kind) in &names {
        let label = if kind == Kind::Ours { format!("**{name}**") } else { name.to_owned() };
        let figures = columns.iter().map(|(cell, figure, _)| cell.figure(name, figure).map_or("–".to_owned(), shown));
        lines.push([label].into_iter().chain(figures).collect());
    }
    let mut text = markdown(&lines);
    text.push('\n');
    text.push_str(&winners(&columns, &names));
    text
}

/// The rows of a table whose cells stand below each other, as they have too many figures for one line.
fn rows_of_cells(results: &[&Results], figures: &[(&str, &str)], names: &[(&str, Kind)]) -> Vec<Vec<String>> {
    let mut lines = vec![[""].into_iter().chain(figures.iter().map(|it| it.1)).map(str::to_owned).collect::<Vec<_>>()];
    for cell in results {
        for &(name, kind) in names.iter().filter(|(name, _)| cell.rows.iter().any(|row| row.name == *name)) {
            let label = if kind == Kind::Ours { format!("**{name}**") } else { name.to_owned() };
            let figures = figures.iter().map(|(figure, _)| cell.figure(name, figure).map_or("–".to_owned(), shown));
            lines.push([format!("{}: {label}", cell.cell().heading())].into_iter().chain(figures).collect());
        }
    }
    lines
}

/// The contestants that are better than ours, column by column. Limits are not pools, and are left out.
fn winners(columns: &[(&Results, &str, String)], names: &[(&str, Kind)]) -> String {
    let mut lines = Vec::new();
    let mut compared = false;
    for (cell, figure, heading) in columns {
        if cell.figure(OURS, figure).is_none() {
            continue;
        }
        compared = true;
        let better: Vec<String> = names
            .iter()
            .filter(|(name, kind)| matches!(kind, Kind::Peer | Kind::Allocator) && *name != OURS)
            .filter_map(|(name, _)| {
                let more = *figure == PER_SECOND;
                let (small, large) = if more { (OURS, *name) } else { (*name, OURS) };
                let ratio = cell.ratio(small, large, figure).filter(|ratio| ratio.is_less())?;
                Some(format!("{name} ({:.2} ×)", if more { 1.0 / ratio.median } else { ratio.median }))
            })
            .collect();
        if !better.is_empty() {
            lines.push(format!("- {heading}: {}\n", better.join(", ")));
        }
    }
    match (compared, lines.is_empty()) {
        (false, _) => String::new(),
        (true, true) => format!("No contestant is better than {OURS}.\n"),
        (true, false) => format!("Better than {OURS}:\n\n{}", lines.concat()),
    }
}

/// A few of the contestants in a few of the cells: for the README.
pub(crate) fn summary(report: &Report) -> String {
    const NAMES: [&str; 4] = [OURS, "pool-runtime, portable", "thread_local! Vec", "no pool, glibc"];
    const CELLS: [(Scenario, usize, &str); 6] = [
        (Scenario::Pair, 1, "1 thread"),
        (Scenario::Pair, 2, "2"),
        (Scenario::Pair, 16, "16"),
        (Scenario::Pair, 64, "64"),
        (Scenario::Burst, 1, "32 held"),
        (Scenario::Handoff, 2, "released elsewhere"),
    ];
    let mut lines = vec![[""].into_iter().chain(CELLS.map(|cell| cell.2)).map(str::to_owned).collect::<Vec<_>>()];
    for name in NAMES {
        let figures = CELLS.iter().map(|&(scenario, threads, _)| {
            let cell = report.of(scenario).into_iter().find(|cell| cell.threads == threads);
            let (first, _) = Info::of(scenario).figures[0];
            cell.and_then(|cell| cell.figure(name, first)).map_or("–".to_owned(), |figure| rounded(figure.median))
        });
        lines.push([name.to_owned()].into_iter().chain(figures).collect());
    }
    let machine = &report.machine;
    format!(
        "{}\n{}, {} CPUs, {}, {}; `cargo run --release -p benches`.\n",
        markdown(&lines),
        machine.processor,
        machine.cpus,
        machine.system,
        machine.date
    )
}

/// Objects made while each contestant was checked.
pub(crate) fn made(report: &Report) -> String {
    let mut lines = vec![vec![String::new(), "objects made".to_owned()]];
    lines.extend(report.made.iter().map(|(name, made)| vec![name.clone(), made.to_string()]));
    markdown(&lines)
}

fn shown(figure: Figure) -> String {
    let noisy = if figure.is_noisy() { " ~" } else { "" };
    format!("{} ± {}{noisy}", rounded(figure.median), rounded(figure.spread))
}

/// Three digits at most before the point counts.
fn rounded(value: f64) -> String {
    match value {
        v if v >= 10_000.0 => thousands(v),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.005 => format!("{v:.2}"),
        _ => "0".to_owned(),
    }
}

/// Three digits that count, and commas: `112,000,000`.
fn thousands(value: f64) -> String {
    let scale = 10_f64.powf((value.log10() - 2.0).floor());
    let digits = format!("{:.0}", (value / scale).round() * scale);
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::driver::machine::Machine;
    use crate::driver::plan::Cell;

    fn report(figures: &[(&str, Kind, f64)]) -> Report {
        let machine = Machine {
            processor: "a processor".to_owned(),
            cpus: 2,
            system: "a system".to_owned(),
            rust: "rustc".to_owned(),
            go: String::new(),
            date: "today".to_owned(),
        };
        let mut report = Report::new(machine, String::new(), 1, false);
        for &(name, kind, ns) in figures {
            let cell = Cell { scenario: Scenario::Pair, threads: 1, size: 1 };
            report.add(cell, name, kind, BTreeMap::from([("cpu_ns".to_owned(), ns)]), 1.0);
        }
        report
    }

    #[test]
    fn a_peer_that_wins_is_named_and_a_limit_is_not() {
        let report = report(&[
            (OURS, Kind::Ours, 10.0),
            ("limit", Kind::Limit, 5.0),
            ("fast", Kind::Peer, 8.0),
            ("slow", Kind::Peer, 80.0),
        ]);
        assert_eq!(
            table(&report, Scenario::Pair),
            "|                        | 1 thread |\n\
             |------------------------|---------:|\n\
             | limit                  | 5.00 ± 0 |\n\
             | fast                   | 8.00 ± 0 |\n\
             | **pool-runtime, rseq** | 10.0 ± 0 |\n\
             | slow                   | 80.0 ± 0 |\n\
             \n\
             Better than pool-runtime, rseq:\n\n- 1 thread: fast (0.80 ×)\n"
        );
    }

    #[test]
    fn of_requests_per_second_more_is_better() {
        let mut report = report(&[]);
        let cell = Cell { scenario: Scenario::ServerGzip, threads: 64, size: 8 };
        for (name, kind, value) in
            [(OURS, Kind::Ours, 1000.0), ("few", Kind::Peer, 500.0), ("many", Kind::Peer, 1500.0)]
        {
            report.add(cell, name, kind, BTreeMap::from([(PER_SECOND.to_owned(), value)]), 1.0);
        }
        let table = table(&report, Scenario::ServerGzip);
        assert!(table.ends_with("rseq:\n\n- 64 connections, 8 KiB, per second: many (1.50 ×)\n"), "{table}");
    }

    #[test]
    fn large_numbers_are_readable() {
        assert_eq!(rounded(112_721_919.0), "113,000,000");
        assert_eq!(rounded(15_391.0), "15,400");
        assert_eq!(rounded(9_999.0), "9999");
    }

    #[test]
    fn no_contestant_is_named_if_none_wins() {
        let report = report(&[(OURS, Kind::Ours, 10.0), ("slow", Kind::Peer, 80.0)]);
        assert!(table(&report, Scenario::Pair).ends_with("No contestant is better than pool-runtime, rseq.\n"));
    }
}
