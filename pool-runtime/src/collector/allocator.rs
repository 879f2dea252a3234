//! What the collector asks of the allocator: to give back to the system what is free.
//!
//! glibc gives back by itself only what is free at the end of its heap, and what had a mapping of its own. `malloc_trim` goes through the heaps of
//! all threads and gives back each whole page that is free; a thread that allocates from a heap waits while it is gone through. What that takes
//! depends on how many pieces the free memory is in (x86-64, two cores, 2026-11-27): 7 µs in a program that has just started,
//! 30 µs for 60 MiB in one piece, 50 ms where 100,000 small pieces are free, 0.5 s where 1.7 million are. Where another allocator is the program's
//! it takes less than a microsecond, since glibc's heap is empty, and gives nothing back.
//!
//! # Orderings
//!
//! The counters are `Relaxed`, as those of `stats`.

use core::time::Duration;
use std::time::Instant;

use crate::slots::counters::Counter;

static CALLS: Counter = Counter::new();
static FRUITFUL: Counter = Counter::new();
static NANOS: Counter = Counter::new();

/// What is dropped before the allocator is asked: a mebibyte, or as many objects as say nothing of their weight, which may be large ones.
const BYTES: usize = 1 << 20;
const OBJECTS: usize = 16;

/// A tenth of the time is what asking takes at the most, and a hundredth where nothing came of it: after 50 ms for 100,000 pieces that are free and
/// no whole page among them, the next comes five seconds later.
const REST_IF_FRUITFUL: u32 = 10;
const REST: u32 = 100;

/// How often a [`Collector`](crate::Collector) has asked glibc to give memory back, in the whole process: [`Collector::trims`](crate::Collector::trims).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trims {
    /// How often.
    pub calls: u64,
    /// How often glibc has given something back.
    pub fruitful: u64,
    /// How long all of them took.
    pub time: Duration,
}

/// When the allocator is asked.
pub(super) struct Trimmer {
    /// What has been dropped since it was asked last.
    bytes: usize,
    objects: usize,
    not_before: Option<Instant>,
}

impl Trimmer {
    /// `None` where there is no glibc to ask.
    pub(super) fn new() -> Option<Self> {
        cfg!(all(target_os = "linux", target_env = "gnu", not(miri))).then_some(Self {
            bytes: 0,
            objects: 0,
            not_before: None,
        })
    }

    /// Asks, if more than a little was dropped since the last time. Says how long it took.
    pub(super) fn note(&mut self, objects: usize, bytes: usize) -> Option<Duration> {
        self.objects = self.objects.saturating_add(objects);
        self.bytes = self.bytes.saturating_add(bytes);
        let start = Instant::now();
        let is_little = self.bytes < BYTES && self.objects < OBJECTS;
        if is_little || self.not_before.is_some_and(|not_before| start < not_before) {
            return None;
        }
        let fruitful = trim();
        let took = start.elapsed();
        (self.objects, self.bytes) = (0, 0);
        let rest = if fruitful { REST_IF_FRUITFUL } else { REST };
        self.not_before = took.checked_mul(rest).and_then(|rest| Instant::now().checked_add(rest));
        CALLS.add(1);
        FRUITFUL.add(fruitful.into());
        NANOS.add(usize::try_from(took.as_nanos()).unwrap_or(usize::MAX));
        Some(took)
    }
}

/// How often glibc was asked, how often it gave something back, and how long that took.
pub(crate) fn trims() -> Trims {
    Trims { calls: CALLS.get(), fruitful: FRUITFUL.get(), time: Duration::from_nanos(NANOS.get()) }
}

/// Whether something was given back.
fn trim() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
    let given_back = crate::machine::system::trim_heap();
    #[cfg(not(all(target_os = "linux", target_env = "gnu", not(miri))))]
    let given_back = false;
    given_back
}
