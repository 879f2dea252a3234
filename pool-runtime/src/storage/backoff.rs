//! [`Backoff`], the wait of a sweep for another thread.

#[cfg(not(pool_loom))]
use core::hint::spin_loop;
#[cfg(not(pool_loom))]
use core::time::Duration;
#[cfg(not(pool_loom))]
use std::thread;

#[cfg(all(unix, not(pool_loom)))]
use crate::machine::system;

/// The wait of a sweep for a lock, whose holder is within a few instructions. The sweep spins, in case the holder runs; it yields, in case
/// the holder waits for this CPU; and then it sleeps. A yield lets no thread of lower priority run: a thread with a real-time policy that
/// only yielded would wait for ever, if the kernel did not take its CPU away now and then.
#[cfg(not(pool_loom))]
pub(crate) struct Backoff(u32);

#[cfg(not(pool_loom))]
impl Backoff {
    /// Twice as many spins each time, 127 in all.
    const SPINS: u32 = 7;
    const YIELDS: u32 = 4;
    /// Twice as long each time, up to 1.6 ms.
    const FIRST_SLEEP: Duration = Duration::from_micros(50);
    const SLEEPS: u32 = 6;

    pub(crate) fn new() -> Self {
        Self(0)
    }

    pub(crate) fn snooze(&mut self) {
        match self.0 {
            step if step < Self::SPINS => (0..1 << step).for_each(|_| spin_loop()),
            step if step < Self::SPINS + Self::YIELDS => thread::yield_now(),
            step => sleep(Self::FIRST_SLEEP * (1 << (step - Self::SPINS - Self::YIELDS))),
        }
        self.0 = (self.0 + 1).min(Self::SPINS + Self::YIELDS + Self::SLEEPS - 1);
    }

    /// Whether the sweep has begun to sleep: the holder is not at work.
    pub(crate) fn is_completed(&self) -> bool {
        self.0 > Self::SPINS + Self::YIELDS
    }
}

/// Sleeps, or yields if a filter refuses the sleep. std's sleep would panic then, in the middle of a sweep.
#[cfg(all(unix, not(pool_loom)))]
fn sleep(time: Duration) {
    if !system::sleep(time) {
        thread::yield_now();
    }
}

#[cfg(not(any(unix, pool_loom)))]
use thread::sleep;

/// Lets loom run the other threads.
#[cfg(pool_loom)]
pub(crate) struct Backoff;

#[cfg(pool_loom)]
impl Backoff {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn snooze(&mut self) {
        loom::thread::yield_now();
    }

    pub(crate) fn is_completed(&self) -> bool {
        false
    }
}
