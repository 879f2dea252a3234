//! Deliberate misfortune under `--cfg pool_chaos`, as Go's pool has it under the race detector: a program finds out that it
//! relies on luck.
//!
//! A quarter of the releases drop, searches begin at a random slot, and `try_acquire` finds nothing now and then.

/// Whether this try is to fail: one in four.
#[cfg(pool_chaos)]
pub(crate) fn fails() -> bool {
    random() % 4 == 0
}

#[cfg(not(pool_chaos))]
#[inline(always)]
pub(crate) const fn fails() -> bool {
    false
}

/// The number of the slot to work with: the thread's own, or any.
#[cfg(pool_chaos)]
pub(crate) fn slot_number(_own: impl FnOnce() -> usize) -> usize {
    random() % crate::machine::cpus::slots()
}

#[cfg(not(pool_chaos))]
#[inline(always)]
pub(crate) fn slot_number(own: impl FnOnce() -> usize) -> usize {
    own()
}

/// A step of a shared Weyl sequence, mixed (splitmix64). Threads take turns in it, and that is random enough.
#[cfg(pool_chaos)]
fn random() -> usize {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    static STATE: AtomicUsize = AtomicUsize::new(0);
    let mut x = STATE.fetch_add(0x9e37_79b9_7f4a_7c15_u64 as usize, Relaxed) as u64;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) as usize
}
