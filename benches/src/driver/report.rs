//! What was measured: every figure of every round, and what is made of them.

use std::collections::BTreeMap;

use benches::protocol::{Kind, Scenario};
use serde::{Deserialize, Serialize};

use crate::driver::machine::Machine;
use crate::driver::plan::Cell;

/// Above this share of its median, a spread is marked.
pub(crate) const NOISY: f64 = 0.1;

/// Above this share of the machine in others' hands, the whole run is.
pub(crate) const BUSY: f64 = 0.05;

#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// What of the command line was not the default.
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
}

/// What was measured in one cell.
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

    /// Smaller by more than both spreads, and by enough to speak of.
    pub(crate) fn beats(self, other: Self) -> bool {
        self.median + self.spread < other.median - other.spread && self.median < 0.97 * other.median
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
        }
    }

    pub(crate) fn verified(&mut self, name: &str, made: u64) {
        self.made.insert(name.to_owned(), made);
    }

    pub(crate) fn add(&mut self, cell: Cell, name: &str, kind: Kind, figures: BTreeMap<String, f64>) {
        let Cell { scenario, threads, size } = cell;
        let results = find_or_insert(
            &mut self.results,
            |it| (it.scenario, it.threads, it.size) == (scenario, threads, size),
            || Results { scenario, threads, size, rows: Vec::new() },
        );
        let row = find_or_insert(
            &mut results.rows,
            |it| it.name == name,
            || Row { name: name.to_owned(), kind, figures: BTreeMap::new() },
        );
        for (figure, value) in figures {
            row.figures.entry(figure).or_default().push(value);
        }
    }

    /// Puts the cells into the order of the scenarios, wherever the first round began.
    pub(crate) fn sort(&mut self) {
        self.results.sort_by_key(|it| (it.scenario, it.threads, it.size));
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

    pub(crate) fn figure(&self, name: &str, figure: &str) -> Option<Figure> {
        let row = self.rows.iter().find(|row| row.name == name)?;
        Figure::of(row.figures.get(figure)?)
    }
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
    fn who_is_within_the_spreads_does_not_win() {
        let ours = Figure { median: 10.0, spread: 1.0 };
        assert!(Figure { median: 8.0, spread: 0.5 }.beats(ours));
        assert!(!Figure { median: 8.0, spread: 1.0 }.beats(ours));
        assert!(!Figure { median: 9.9, spread: 0.0 }.beats(Figure { median: 10.0, spread: 0.0 }));
    }
}
