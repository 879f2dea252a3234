//! The cells of each scenario: numbers of threads, sizes, and the figures that are shown.

use benches::protocol::Scenario;
use benches::scenario::handoff::Placement;
use clap::ValueEnum;

use crate::driver::options::Options;

/// A number of threads and a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) scenario: Scenario,
    pub(crate) threads: usize,
    pub(crate) size: usize,
}

impl Cell {
    /// How many times as long as others it is measured. Threads that wait for a CPU all have to get one, and percentiles
    /// need many samples.
    pub(crate) fn weight(self) -> u64 {
        let info = Info::of(self.scenario);
        if !info.timed {
            return 0;
        }
        if self.threads >= 16 { 3 } else { 1 }
    }

    /// Whether the driver measures it, with a server and a client that are programs of their own. `threads` are connections then, and
    /// `size` is that of a body, in KiB.
    pub(crate) fn is_served(self) -> bool {
        matches!(self.scenario, Scenario::ServerGzip | Scenario::ServerZstd)
    }

    /// The heading of its column: how it differs from the scenario's other cells.
    pub(crate) fn heading(self) -> String {
        let info = Info::of(self.scenario);
        if self.scenario == Scenario::Handoff {
            return Placement::ALL[self.size].name().to_owned();
        }
        if self.is_served() {
            return format!("{} connections, {} KiB", self.threads, self.size);
        }
        match info.size_of {
            Some(unit) if info.threads.len() == 1 && self.size == 1 => format!("1 {}", unit.trim_end_matches('s')),
            Some(unit) if info.threads.len() == 1 => format!("{} {unit}", self.size),
            Some(unit) => format!("{}, {} {unit}", threads(self.threads), self.size),
            None => threads(self.threads),
        }
    }
}

fn threads(n: usize) -> String {
    if n == 1 { "1 thread".to_owned() } else { format!("{n} threads") }
}

/// A scenario, as it is shown.
pub(crate) struct Info {
    /// Says what an operation is, and how to read the table.
    pub(crate) about: &'static str,
    /// Numbers of threads.
    pub(crate) threads: &'static [usize],
    /// Sizes. `size_of` is their unit, if it is shown.
    pub(crate) sizes: &'static [usize],
    pub(crate) size_of: Option<&'static str>,
    /// The figures, by their names and as headings. Smaller is better, but for [`PER_SECOND`]. The first figure ranks.
    pub(crate) figures: &'static [(&'static str, &'static str)],
    /// Whether it runs for a share of the time that the run has. Otherwise it takes its own.
    pub(crate) timed: bool,
    /// Whether the numbers of threads may be chosen.
    pub(crate) any_threads: bool,
    /// Whether each measurement needs a process that has not done it yet.
    pub(crate) fresh: bool,
}

/// The figure of which more is better.
pub(crate) const PER_SECOND: &str = "requests_per_second";

const CPU: &[(&str, &str)] = &[("cpu_ns", "ns")];

const DEFAULT: Info = Info {
    about: "",
    threads: &[1, 2],
    sizes: &[1],
    size_of: None,
    figures: CPU,
    timed: true,
    any_threads: true,
    fresh: false,
};

impl Info {
    pub(crate) fn of(scenario: Scenario) -> Self {
        match scenario {
            Scenario::Pair => Self {
                about: "Acquire, write a byte, reset, release. CPU time in ns.",
                threads: &[1, 2, 4, 16, 64],
                ..DEFAULT
            },
            Scenario::Burst => {
                Self { about: "32 acquired, then all released. CPU time in ns for each.", sizes: &[32], ..DEFAULT }
            }
            Scenario::Overflow => Self {
                about: "100 or 1,000 acquired, then all released, on one thread. CPU time in ns for each.",
                threads: &[1],
                sizes: &[100, 1000],
                size_of: Some("held"),
                ..DEFAULT
            },
            Scenario::Starvation => Self {
                about: "Of 100 acquired, 33 are dropped and 67 released, so a third of the acquires finds nothing anywhere. \
                        CPU time in ns for each, the new object included; objects made, per 1,000 acquires.",
                threads: &[2],
                figures: &[("cpu_ns", "ns"), ("made_per_1000", "made per 1,000")],
                ..DEFAULT
            },
            Scenario::Handoff => Self {
                about: "One thread acquires, another releases. Batches of 64 objects travel through queues that never sleep. Time \
                        in ns that the two threads spend in an acquire and a release, added up; in the first write to an object \
                        that was acquired; objects made, per 1,000 acquires. The threads are bound to two CPUs, bound to one, or \
                        left alone.",
                threads: &[2],
                sizes: &[0, 1, 2],
                figures: &[("pool_ns", "ns"), ("write_ns", "first write"), ("made_per_1000", "made per 1,000")],
                any_threads: false,
                ..DEFAULT
            },
            Scenario::MixedSizes => Self {
                about: "As a pair, but each time with room for another number of bytes, 64 to 65,536. CPU time in ns.",
                ..DEFAULT
            },
            Scenario::Plain => Self {
                about: "Four words without memory of their own: acquire, write two, reset, release. CPU time in ns.",
                ..DEFAULT
            },
            Scenario::Tail => Self {
                about: "How long one acquire takes, in ns by the clock, two looks at the clock included, which alone are 30 to 50. \
                        A thread that is preempted inside an acquire waits until it is scheduled again: that is the tail.",
                threads: &[64],
                figures: &[("p99_ns", "p99"), ("p50_ns", "p50"), ("p999_ns", "p99.9"), ("p9999_ns", "p99.99")],
                ..DEFAULT
            },
            Scenario::ColdTypes => Self {
                about: "Pools of so many types in turn, one pair each. CPU time in ns.",
                threads: &[1],
                sizes: &[1, 10, 100, 1000],
                size_of: Some("types"),
                any_threads: false,
                ..DEFAULT
            },
            Scenario::FirstUse => Self {
                about: "The first acquire and release of each of 1,000 pools, in a new process. Time in ns.",
                threads: &[1],
                sizes: &[1000],
                figures: &[("median_ns", "median"), ("p99_ns", "p99")],
                timed: false,
                any_threads: false,
                fresh: true,
                ..DEFAULT
            },
            Scenario::ExpensiveNewAge => Self {
                about: "A new object takes a millisecond, and every 10 ms all pools age (Go: one garbage collection). Objects made \
                        per sweep, over all threads; CPU time in ns of a pair.",
                threads: &[4],
                figures: &[("made_per_sweep", "made per sweep"), ("cpu_ns", "ns")],
                any_threads: false,
                ..DEFAULT
            },
            Scenario::ExpensiveNewCollect => Self {
                about: "The same, but every 10 ms all pools are cleared (Go: two garbage collections).",
                ..Self::of(Scenario::ExpensiveNewAge)
            },
            Scenario::Collect => Self {
                about: "100,000 idle objects are dropped: by `collect()`, and by two `age()` (Go: two garbage collections). The \
                        longest acquire on another thread meanwhile, and the longest in as much time without a sweep, in µs.",
                threads: &[1],
                sizes: &[100_000],
                figures: &[
                    ("collect_ms", "collect, ms"),
                    ("age_ms", "age, ms"),
                    ("longest_us", "longest acquire, µs"),
                    ("longest_without_us", "without, µs"),
                ],
                timed: false,
                any_threads: false,
                ..DEFAULT
            },
            Scenario::JsonLines => Self {
                about: "A log record is formatted as a line of JSON into a pooled buffer and copied to the output. CPU time in ns for \
                        each line.",
                threads: &[1, 2, 16],
                ..DEFAULT
            },
            Scenario::Squeeze => Self {
                about: "Files of 1 to 4 KiB are compressed in memory, with a deflate context and two buffers that are pooled, kept \
                        by the thread, or made for each file. CPU time in ns for each file.",
                ..DEFAULT
            },
            Scenario::ServerGzip => Self {
                about: "The example `server` on all CPUs, and `wrk` beside it, which posts a text to `/gzip` on all connections at once. \
                        Contexts, buffers and scratch are pooled, with a collector at two seconds, kept by the threads of the runtime, or \
                        made for each request. CPU time of the server in µs for each answer; answers per second; latency in ms, as \
                        `wrk` has it; resident memory in MiB, at the peak and ten seconds after the last request.",
                threads: &[64, 512],
                sizes: &[1, 8, 64],
                figures: &[
                    ("cpu_us", "CPU, µs"),
                    (PER_SECOND, "per second"),
                    ("p50_ms", "p50"),
                    ("p99_ms", "p99"),
                    ("p999_ms", "p99.9"),
                    ("peak_mib", "MiB"),
                    ("after_mib", "after 10 s"),
                ],
                timed: false,
                any_threads: false,
                ..DEFAULT
            },
            Scenario::ServerZstd => Self { about: "The same with `/zstd`.", ..Self::of(Scenario::ServerGzip) },
        }
    }
}

/// The cells of a run.
pub(crate) fn cells(options: &Options) -> Vec<Cell> {
    let mut cells = Vec::new();
    for &scenario in Scenario::value_variants().iter().filter(|&&scenario| options.wants(scenario)) {
        let info = Info::of(scenario);
        let mut threads = info.threads.to_vec();
        if info.any_threads && !options.threads.is_empty() {
            threads = options.threads.iter().map(|&n| n.into()).collect();
        }
        if options.quick {
            threads.truncate(1);
            if info.any_threads {
                threads[0] = 2;
            }
        }
        let sizes = if options.quick { &info.sizes[..1] } else { info.sizes };
        for &threads in &threads {
            cells.extend(sizes.iter().map(|&size| Cell { scenario, threads, size }));
        }
    }
    cells
}
