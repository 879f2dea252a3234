//! The choice of the acquires that are recorded, and the settings.
//!
//! A thread counts its acquires down to the next sample, and draws the number for the one after. The numbers are random, with the mean that the
//! setting says: with a fixed number, a thread that acquires at two places in turn would be sampled at one of them alone. A signal handler that
//! interrupts a count makes a sample come early or late, and nothing else.

use core::cell::Cell;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

/// The default: one in as many acquires as with Netty.
pub(super) const DEFAULT: u32 = 128;

/// The largest distance of two samples of a thread. `NONE`: none is taken. Any thread writes and reads it, as the next two.
static MOST: AtomicU32 = AtomicU32::new(most(DEFAULT));

/// The longest count: a thread asks once in a while whether samples are taken by now.
const NONE: u32 = u32::MAX;

/// Whether a sample has a backtrace.
pub(super) static BACKTRACES: AtomicBool = AtomicBool::new(false);

/// The milliseconds after which an object is held for long.
pub(super) static THRESHOLD: AtomicUsize = AtomicUsize::new(NEVER);

/// A threshold that no object reaches.
pub(super) const NEVER: usize = usize::MAX;

thread_local! {
    /// The acquires up to and with the next sample. Zero: not drawn yet.
    static LEFT: Cell<u32> = const { Cell::new(0) };
    /// The state of the thread's random numbers. Zero: there is none yet.
    static RANDOM: Cell<u32> = const { Cell::new(0) };
}

/// The numbers from 1 to this have the mean `every`.
const fn most(every: u32) -> u32 {
    let most = every.saturating_mul(2);
    if most == 0 { NONE } else { most - 1 }
}

pub(super) fn set_every(every: u32) {
    MOST.store(most(every), Relaxed);
}

/// One in how many acquires is recorded, if any is.
pub(super) fn every() -> u32 {
    MOST.load(Relaxed).div_ceil(2)
}

/// Counts an acquire. Returns whether [`draw`] has to be asked about it.
#[inline]
pub(super) fn count_down() -> bool {
    // No longer than the setting of now: a thread that has drawn a large number sees at once that each acquire is to be recorded.
    let left = LEFT.get().min(MOST.load(Relaxed));
    if left > 1 {
        LEFT.set(left - 1);
        return false;
    }
    true
}

/// Whether the acquire is to be recorded at which the count has come to its end. Begins the next count.
pub(super) fn draw() -> bool {
    let most = MOST.load(Relaxed);
    if most == NONE {
        LEFT.set(NONE);
        return false;
    }
    // The first number of a thread is for this acquire, too.
    let is_first = LEFT.get() == 0;
    let next = ((u64::from(random()) * u64::from(most)) >> 32) as u32 + 1;
    LEFT.set(if is_first { next - 1 } else { next });
    !is_first || next == 1
}

/// Marsaglia's xorshift, of 32 bits.
fn random() -> u32 {
    static SEED: AtomicU32 = AtomicU32::new(0);

    let mut state = RANDOM.get();
    if state == 0 {
        // Weyl's sequence: another number for each thread.
        state = SEED.fetch_add(0x9e37_79b9, Relaxed) | 1;
        // A state of few bits is followed by small numbers.
        (0..4).for_each(|_| state = step(state));
    }
    state = step(state);
    RANDOM.set(state);
    state
}

fn step(mut state: u32) -> u32 {
    state ^= state << 13;
    state ^= state >> 17;
    state ^ state << 5
}
