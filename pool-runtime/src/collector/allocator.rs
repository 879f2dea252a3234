//! Asks the allocator to give free memory back to the system.
//!
//! By itself glibc gives back only free memory at the end of its heap, and pieces with a mapping of their own. `malloc_trim` goes through the heaps
//! of all threads and gives back each whole page that is free; a thread that allocates from a heap waits while the call goes through it. The time
//! depends on the number of pieces of the free memory (x86-64, two cores, 2026-11-27): 7 µs in a program that has just started, 30 µs for 60 MiB in
//! one piece, 50 ms if 100,000 small pieces are free, 0.5 s if 1.7 million are. If the program has another allocator, glibc's heap is empty: the call
//! takes less than a microsecond and gives nothing back.
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

/// The least that is dropped before the allocator is asked: bytes, or objects, since an object without a weight may be large.
const BYTES: usize = 1 << 20;
const OBJECTS: usize = 16;

/// Calls take a tenth of the time at the most, and a hundredth if no memory comes back: after 50 ms for 100,000 free pieces with no whole page among
/// them, the next call comes five seconds later.
const REST_IF_FRUITFUL: u32 = 10;
const REST: u32 = 100;

/// The calls with which the collectors of the process have asked glibc to give memory back: [`Collector::trims`](crate::Collector::trims).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trims {
    /// The number of calls.
    pub calls: u64,
    /// The number of calls that gave memory back.
    pub fruitful: u64,
    /// The time that all calls took.
    pub time: Duration,
}

/// Decides when the allocator is asked.
pub(super) struct Trimmer {
    /// Bytes and objects that were dropped since the last call.
    bytes: usize,
    objects: usize,
    not_before: Option<Instant>,
}

impl Trimmer {
    /// `None` if there is no glibc.
    pub(super) fn new() -> Option<Self> {
        cfg!(all(target_os = "linux", target_env = "gnu", not(miri))).then_some(Self {
            bytes: 0,
            objects: 0,
            not_before: None,
        })
    }

    /// Asks the allocator if more than a little was dropped since the last call. Returns the time that this took.
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

/// How often glibc was asked, how often it gave memory back, and how long that took.
pub(crate) fn trims() -> Trims {
    Trims { calls: CALLS.get(), fruitful: FRUITFUL.get(), time: Duration::from_nanos(NANOS.get()) }
}

/// Asks glibc. Returns whether it gave memory back.
fn trim() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
    let given_back = crate::machine::system::trim_heap();
    #[cfg(not(all(target_os = "linux", target_env = "gnu", not(miri))))]
    let given_back = false;
    given_back
}
