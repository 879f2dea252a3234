//! The messages between the driver and its children: one JSON value per line.
//!
//! A child begins with a [`Greeting`]. Then it answers each [`Request`] with one [`Answer`], and ends when its standard
//! input does. `go/main.go` speaks the same.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The first line of a child.
#[derive(Serialize, Deserialize)]
pub struct Greeting {
    /// The contestants that it can measure.
    pub contestants: Vec<Offer>,
}

/// A contestant, and the scenarios that it takes part in.
#[derive(Serialize, Deserialize)]
pub struct Offer {
    /// The name in tables.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The scenarios that it can do.
    pub scenarios: Vec<Scenario>,
}

/// The kinds of contestants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// This project's pool.
    Ours,
    /// No pool: a lower bound of a pool's cost.
    Limit,
    /// Another pool.
    Peer,
    /// No pool: the allocator.
    Allocator,
}

/// The name of this project's pool, as a user on Linux has it. All others are compared with it.
pub const OURS: &str = "pool-runtime, rseq";

/// A line to a child.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Check that this contestant works as a pool.
    Verify(String),
    /// Measure.
    Measure(Measure),
}

/// One measurement.
#[derive(Serialize, Deserialize)]
pub struct Measure {
    /// The contestant's name.
    pub contestant: String,
    /// The work.
    pub scenario: Scenario,
    /// Its size.
    #[serde(flatten)]
    pub task: Task,
}

/// The size of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Threads that work at the same time.
    pub threads: usize,
    /// A number whose meaning is the scenario's: objects held at once, types, idle objects.
    pub size: usize,
    /// For how long. Scenarios that do a fixed amount of work take the time that it takes.
    pub milliseconds: u64,
    /// Whether each thread is bound to a CPU.
    pub pin: bool,
}

/// A line from a child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The contestant has passed the check. This many objects were made on the way.
    Verified {
        /// Objects made by 1,000 acquires, one after the other, on a thread.
        made: u64,
    },
    /// The figures, by name. Each scenario has its own.
    Figures(BTreeMap<String, f64>),
    /// The contestant does not do this, for a reason of its own.
    LeftOut(String),
    /// The contestant, or the child, is wrong.
    Failed(String),
}

/// The scenarios. The driver chooses their sizes and numbers of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Scenario {
    /// Acquire, write a byte, reset, release.
    Pair,
    /// 32 held at once.
    Burst,
    /// 100 and 1,000 held at once.
    Overflow,
    /// A third fewer releases than acquires.
    Starvation,
    /// Acquired on one thread, released on another.
    Handoff,
    /// Room for 64 bytes to 64 KiB.
    MixedSizes,
    /// Four words, and no memory of their own.
    Plain,
    /// Percentiles of one acquire.
    Tail,
    /// 1 to 1,000 pools in turn.
    ColdTypes,
    /// The first acquire of a pool.
    FirstUse,
    /// `new` takes a millisecond, and the pool ages all the time.
    ExpensiveNewAge,
    /// `new` takes a millisecond, and the pool is cleared all the time.
    ExpensiveNewCollect,
    /// Clearing 100,000 idle objects.
    Collect,
    /// Real work: lines of JSON into a pooled buffer.
    JsonLines,
    /// Real work: small files into gzip.
    Squeeze,
    /// Real work: the example `server`, which answers with gzip, under `wrk`. The driver measures it, without a child.
    ServerGzip,
    /// The same with zstd.
    ServerZstd,
}

impl Scenario {
    /// The name on the command line, in the tables and in their files.
    pub fn name(self) -> String {
        self.to_possible_value().expect("no scenario is hidden").get_name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_the_go_program_reads() {
        let task = Task { threads: 2, size: 32, milliseconds: 50, pin: true };
        let request = Request::Measure(Measure { contestant: "Go".to_owned(), scenario: Scenario::FirstUse, task });
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"measure":{"contestant":"Go","scenario":"first_use","threads":2,"size":32,"milliseconds":50,"pin":true}}"#
        );
        assert_eq!(serde_json::to_string(&Request::Verify("Go".to_owned())).unwrap(), r#"{"verify":"Go"}"#);
    }
}
