//! The figures of a run, of every round, with their medians, spreads and ratios.

use std::collections::BTreeMap;

use benches::protocol::{Kind, Scenario};
use serde::{Deserialize, Serialize};

use crate::driver::machine::Machine;
use crate::driver::plan::Cell;

/// Above this share of its median, a spread is marked.
pub(crate) const NOISY: f64 = 0.1;

/// If other programs had more than this share of the machine, the whole run is marked.
pub(crate) const BUSY: f64 = 0.05;

/// Below this share of the highest speed, the CPUs were shared. Half a core does 0.5 to 0.7 of the work of a whole core, whose
/// clock varies by less.
pub(crate) const SHARED: f64 = 0.85;

/// If so many rounds had undisturbed CPUs, only those rounds count.
pub(crate) const ENOUGH: usize = 3;

#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// The options that were not the default.
    pub(crate) arguments: String,
    pub(crate) rounds: u32,
    pub(crate) pinned: bool,
    /// The share of the machine that other programs had.
    pub(crate) others: Option<f64>,
    pub(crate) left_out: Vec<String>,
    pub(crate) failures: Vec<String>,
    /// Objects made by 1,000 acquires one after the other, by contestant.
    pub(crate) made: BTreeMap<String, u64>,
    pub(crate) results: Vec<Results>,
    /// The share of the measurements in which a CPU was slow.
    pub(crate) shared: f64,
}

/// The figures of one cell.
#[derive(Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) scenario: Scenario,
    pub(crate) threads: usize,
    pub(crate) size: usize,
    pub(crate) rows: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// A value for each round.
    pub(crate) figures: BTreeMap<String, Vec<f64>>,
    /// How fast the slowest CPU was in each round, shortly before and after; in the end, as a share of the highest speed.
    pub(crate) speeds: Vec<f64>,
}

/// A median, and the median distance from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) spread: f64,
}

impl Figure {
    fn of(values: &[f64]) -> Option<Self> {
        let median = median(values.to_vec())?;
        let spread = median_of(values.iter().map(|value| (value - median).abs()))?;
        Some(Self { median, spread })
    }

    pub(crate) fn is_noisy(self) -> bool {
        self.spread > NOISY * self.median
    }

    /// As a ratio: below one by more than its spread, and by enough to speak of.
    pub(crate) fn is_less(self) -> bool {
        self.median + self.spread < 1.0 && self.median < 0.97
    }
}

fn median_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    median(values.collect())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some((values[low] + values[high]) / 2.0)
}

impl Report {
    pub(crate) fn new(machine: Machine, arguments: String, rounds: u32, pinned: bool) -> Self {
        Self {
            machine,
            arguments,
            rounds,
            pinned,
            others: None,
            left_out: Vec::new(),
            failures: Vec::new(),
            made: BTreeMap::new(),
            results: Vec::new(),
            shared: 0.0,
        }
    }

    pub(crate) fn verified(&mut self, name: &str, made: u64) {
        self.made.insert(name.to_owned(), made);
    }

    pub(crate) fn add(&mut self, cell: Cell, name: &str, kind: Kind, figures: BTreeMap<String, f64>, speed: f64) {
        let Cell { scenario, threads, size } = cell;
        let results = find_or_insert(
            &mut self.results,
            |it| (it.scenario, it.threads, it.size) == (scenario, threads, size),
            || Results { scenario, threads, size, rows: Vec::new() },
        );
        let row = find_or_insert(
            &mut results.rows,
            |it| it.name == name,
            || Row { name: name.to_owned(), kind, figures: BTreeMap::new(), speeds: Vec::new() },
        );
        row.speeds.push(speed);
        for (figure, value) in figures {
            row.figures.entry(figure).or_default().push(value);
        }
    }

    /// When all is measured: puts the cells into the order of the scenarios, wherever the first round began, and finds out
    /// when the CPUs were slow.
    pub(crate) fn finish(&mut self) {
        self.results.sort_by_key(|it| (it.scenario, it.threads, it.size));
        let speeds = || self.results.iter().flat_map(|cell| &cell.rows).flat_map(|row| &row.speeds);
        let highest = speeds().copied().fold(0.0, f64::max);
        self.shared =
            speeds().filter(|&&speed| !is_undisturbed(speed / highest)).count() as f64 / speeds().count().max(1) as f64;
        for row in self.results.iter_mut().flat_map(|cell| &mut cell.rows) {
            row.speeds.iter_mut().for_each(|speed| *speed /= highest);
        }
    }

    /// The results of one scenario.
    pub(crate) fn of(&self, scenario: Scenario) -> Vec<&Results> {
        self.results.iter().filter(|it| it.scenario == scenario).collect()
    }
}

impl Results {
    pub(crate) fn cell(&self) -> Cell {
        Cell { scenario: self.scenario, threads: self.threads, size: self.size }
    }

    /// All contestants of a cell are shown as they were on undisturbed CPUs, or all as they were in all rounds.
    pub(crate) fn figure(&self, name: &str, figure: &str) -> Option<Figure> {
        let row = self.row(name)?;
        let values = row.figures.get(figure)?;
        if self.rows.iter().any(|row| row.speeds.iter().filter(|&&speed| is_undisturbed(speed)).count() < ENOUGH) {
            return Figure::of(values);
        }
        Figure::of(&undisturbed(values.iter().copied().zip(row.speeds.iter().copied())))
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The ratio of two contestants. It is taken in each round, in which the two are measured shortly after each other: the
    /// machine's clock may change its speed between two rounds. Rounds in which the CPUs were undisturbed for both count, if
    /// there are enough of them.
    pub(crate) fn ratio(&self, name: &str, over: &str, figure: &str) -> Option<Figure> {
        let (row, other) = (self.row(name)?, self.row(over)?);
        // A contestant that failed in a round has fewer values.
        let ratios =
            row.figures.get(figure)?.iter().zip(other.figures.get(figure)?).map(|(value, other)| value / other);
        let speeds = row.speeds.iter().zip(&other.speeds).map(|(&one, &other)| one.min(other));
        Figure::of(&undisturbed(ratios.zip(speeds))).filter(|ratio| ratio.median.is_finite())
    }
}

/// The values of the rounds in which the CPUs were undisturbed, by their speeds. All values, if those are too few.
fn undisturbed(values: impl Iterator<Item = (f64, f64)> + Clone) -> Vec<f64> {
    let alone: Vec<f64> = values.clone().filter(|&(_, speed)| is_undisturbed(speed)).map(|(value, _)| value).collect();
    if alone.len() >= ENOUGH { alone } else { values.map(|(value, _)| value).collect() }
}

/// Whether this share of the highest speed is that of a whole core.
fn is_undisturbed(speed: f64) -> bool {
    speed >= SHARED
}

fn find_or_insert<T>(list: &mut Vec<T>, found: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> &mut T {
    let index = list.iter().position(found).unwrap_or_else(|| {
        list.push(make());
        list.len() - 1
    });
    &mut list[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_the_median_distance_from_the_median() {
        assert_eq!(Figure::of(&[1.0, 2.0, 3.0, 4.0, 100.0]), Some(Figure { median: 3.0, spread: 1.0 }));
        assert_eq!(Figure::of(&[1.0, 3.0]), Some(Figure { median: 2.0, spread: 1.0 }));
        assert_eq!(Figure::of(&[]), None);
    }

    #[test]
    fn who_is_within_the_spread_is_not_less() {
        assert!(Figure { median: 0.8, spread: 0.1 }.is_less());
        assert!(!Figure { median: 0.8, spread: 0.2 }.is_less());
        assert!(!Figure { median: 0.99, spread: 0.0 }.is_less());
    }

    #[test]
    fn a_ratio_is_taken_in_each_round() {
        // The machine is at half its speed in the second round.
        let row = |name: &str, kind, values: [f64; 3]| Row {
            name: name.to_owned(),
            kind,
            figures: BTreeMap::from([("cpu_ns".to_owned(), values.to_vec())]),
            speeds: vec![1.0; 3],
        };
        let rows = vec![row("a", Kind::Ours, [4.0, 8.0, 4.0]), row("b", Kind::Peer, [2.0, 4.0, 4.0])];
        let results = Results { scenario: Scenario::Pair, threads: 1, size: 1, rows };
        assert_eq!(results.ratio("a", "b", "cpu_ns"), Some(Figure { median: 2.0, spread: 0.0 }));
        assert_eq!(results.ratio("a", "c", "cpu_ns"), None);
    }

    #[test]
    fn rounds_of_slow_cpus_do_not_count_where_there_are_enough_others() {
        // The figure of `a` and its ratio to `b`, if `a` and `c` had a whole core in so many of seven rounds.
        let measured = |a: usize, c: usize| {
            let mut report = Report::new(Machine::default(), String::new(), 7, false);
            let cell = Cell { scenario: Scenario::Pair, threads: 1, size: 1 };
            let figures = |value| BTreeMap::from([("cpu_ns".to_owned(), value)]);
            for round in 0..7 {
                let speed = |whole| if round < whole { 3.0 } else { 1.5 };
                report.add(cell, "a", Kind::Ours, figures(12.0 / speed(a)), speed(a));
                report.add(cell, "b", Kind::Peer, figures(2.0), 3.0);
                report.add(cell, "c", Kind::Peer, figures(1.0), speed(c));
            }
            report.finish();
            let results = &report.results[0];
            (results.figure("a", "cpu_ns").unwrap().median, results.ratio("a", "b", "cpu_ns").unwrap().median)
        };
        assert_eq!(measured(3, 7), (4.0, 2.0));
        assert_eq!(measured(2, 7), (8.0, 4.0), "too few");
        assert_eq!(measured(3, 2), (8.0, 2.0), "too few of one that stands in the same table");
    }
}
