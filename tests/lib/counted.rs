//! Objects that are counted, so that a test knows which were made and dropped without asking the pool.
//!
//! The counters are `Relaxed`: a test reads them when it has joined the threads that wrote them.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicIsize, AtomicU64};

use pool_runtime::Reset;
use pool_runtime::stats::Stats;

/// Counts the objects of one pooled type.
pub struct Tally {
    made: AtomicU64,
    dropped: AtomicU64,
    idle: AtomicIsize,
}

/// A field of a pooled type that counts itself.
pub struct Counted {
    /// No two objects of the tally have the same number. The first is 0.
    pub number: u64,
    tally: &'static Tally,
    alive: u64,
}

/// Declares a pooled type whose objects a tally counts, with these keys of the derive: `counted!(Page, TALLY, max_idle = 1000)`. The key
/// `new` comes first, if it is given.
#[macro_export]
macro_rules! counted {
    ($name:ident, $tally:ident, new = $new:expr, $($keys:tt)*) => {
        static $tally: $crate::counted::Tally = $crate::counted::Tally::new();
        #[derive(::pool_runtime::Pooled)]
        #[pooled(new = $new, $($keys)*)]
        struct $name(
            #[allow(dead_code, reason = "most objects are there to be dropped")]
            $crate::counted::Counted,
        );
    };
    ($name:ident, $tally:ident $(, $($keys:tt)*)?) => {
        $crate::counted!($name, $tally, new = || $name($tally.make()), $($($keys)*)?);
    };
}

const ALIVE: u64 = 0x616c_6976_6521_0001;

impl Tally {
    /// A tally of no objects.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self { made: AtomicU64::new(0), dropped: AtomicU64::new(0), idle: AtomicIsize::new(0) }
    }

    /// Makes an object with the next number.
    pub fn make(&'static self) -> Counted {
        self.idle.fetch_add(1, Relaxed);
        Counted { number: self.made.fetch_add(1, Relaxed), tally: self, alive: ALIVE }
    }

    /// The objects made so far.
    pub fn made(&self) -> u64 {
        self.made.load(Relaxed)
    }

    /// The objects dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// The objects that are not dropped yet.
    pub fn alive(&self) -> u64 {
        self.made() - self.dropped()
    }

    /// Says, before a step, that the step has up to `n` more objects in hand than when it began: so the count of
    /// [idle](Self::idle_at_least) objects is never too large.
    pub fn may_hold(&self, n: usize) {
        self.idle.fetch_sub(n as isize, Relaxed);
    }

    /// Ends a step that [`may_hold`](Self::may_hold) `n` more, with `before` objects in hand when it began and `after` when it
    /// ended.
    pub fn holds(&self, n: usize, before: usize, after: usize) {
        self.idle.fetch_add((n + before) as isize - after as isize, Relaxed);
    }

    /// At least so many objects are alive and in no thread's hands, at this moment: in the pool, or in a sweep that drops them. The
    /// tally asks the objects and not the pool. Exact while no thread is in a step.
    pub fn idle_at_least(&self) -> usize {
        usize::try_from(self.idle.load(Relaxed)).unwrap_or(0)
    }

    /// Compares a pool's statistics with the objects that were really made and dropped.
    ///
    /// `held` guards are alive, and `out` of the objects that were detached. No other thread uses the pool.
    #[track_caller]
    pub fn check(&self, stats: &Stats, held: usize, out: usize) {
        let out = out as u64;
        assert_eq!(stats.created + stats.adopted, self.made(), "made: {stats:?}");
        assert_eq!(stats.in_use, held, "in use: {stats:?}");
        assert_eq!(stats.dropped.total() + stats.detached - out, self.dropped(), "dropped: {stats:?}");
        assert_eq!((stats.idle + held) as u64 + out, self.alive(), "alive: {stats:?}");
        assert!(stats.victims <= stats.idle, "victims: {stats:?}");
    }
}

impl Counted {
    /// Panics if this object was dropped already.
    #[track_caller]
    pub fn assert_alive(&self) {
        assert_eq!(self.alive, ALIVE, "object {} was dropped", self.number);
    }
}

/// A reset leaves it as it is.
impl Reset for Counted {
    fn reset(&mut self) {
        self.assert_alive();
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // A second drop of the same memory is undefined behaviour by now: leave no time for it to look harmless.
        if self.alive != ALIVE {
            eprintln!("object {} is dropped twice", self.number);
            std::process::abort();
        }
        // SAFETY: a valid place of ours. Volatile, because a store before a free is dead for the compiler.
        unsafe { (&raw mut self.alive).write_volatile(0) };
        self.tally.idle.fetch_sub(1, Relaxed);
        self.tally.dropped.fetch_add(1, Relaxed);
    }
}
