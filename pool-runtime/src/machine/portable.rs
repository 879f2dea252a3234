//! Slots by thread: each thread has a number, given at its first use of a pool, and the slot is the number modulo the
//! number of slots.
//!
//! Two threads that run at the same time may have the same slot. They find out when one finds the local stack in the
//! other's hands, and then the one that found out takes the next number. So threads that run side by side drift to
//! slots of their own, however many threads have come and gone (`move_on`).

use core::cell::Cell;
use core::sync::atomic::AtomicUsize;
#[cfg(not(pool_loom))]
use core::sync::atomic::Ordering::Relaxed;

/// More slots than CPUs, so that the threads which happen to run have a good chance to be alone in theirs.
const SLOTS_PER_CPU: usize = 2;

/// How many slots there are: for good, since a thread's number must be one of the first table's of every pool.
pub(super) fn slots() -> usize {
    static SLOTS: AtomicUsize = AtomicUsize::new(0);
    super::asked_once(&SLOTS, || SLOTS_PER_CPU * super::count())
}

const UNASSIGNED: usize = usize::MAX;

#[cfg(not(pool_loom))]
thread_local! {
    // Without a destructor, so that it works in the destructors of other thread-locals.
    static SLOT: Cell<usize> = const { Cell::new(UNASSIGNED) };
}

#[cfg(pool_loom)]
loom::thread_local! {
    static SLOT: Cell<usize> = Cell::new(UNASSIGNED);
}

/// The calling thread's slot, or a number that is no slot's if it has none yet.
#[inline]
pub(crate) fn slot() -> usize {
    SLOT.with(Cell::get)
}

/// The calling thread's slot.
pub(crate) fn assigned_slot() -> usize {
    match slot() {
        UNASSIGNED => move_on(),
        slot => slot,
    }
}

/// Gives the calling thread another slot.
#[cold]
pub(crate) fn move_on() -> usize {
    let slot = next() % slots();
    SLOT.with(|own| own.set(slot));
    slot
}

#[cfg(not(pool_loom))]
fn next() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Relaxed)
}

/// Under loom a thread keeps the slot that the model gave it: what happens must be the same in each repetition.
#[cfg(pool_loom)]
fn next() -> usize {
    slot()
}

#[cfg(pool_loom)]
pub(crate) fn set_slot(slot: usize) {
    SLOT.with(|own| own.set(slot));
}
