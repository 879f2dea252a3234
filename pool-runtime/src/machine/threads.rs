//! The slot that a thread works with. On restartable sequences the kernel says it: by the thread's concurrency id, or the number of its
//! CPU.
//!
//! On the portable backend each thread has a number, given at its first use of a pool, and the slot is the number modulo the
//! number of slots.
//!
//! Two threads that run at the same time may have the same slot. A thread finds out when it finds the local stack in the other's hands,
//! and then takes the next number. So threads that run side by side drift to slots of their own, however many threads have come and
//! gone (`move_on`).

use core::cell::Cell;
#[cfg(not(pool_loom))]
use core::sync::atomic::AtomicUsize;
#[cfg(not(pool_loom))]
use core::sync::atomic::Ordering::Relaxed;

use crate::machine::area::Area;
use crate::machine::cpus::portable_slots;
use crate::machine::decision::area;

/// Notes that a pool is about to make the slot with this number.
pub(crate) fn note(number: usize) {
    if let Some(area) = area() {
        area.note(number);
    }
}

/// The number of the slot that the calling thread works with: its concurrency id, its CPU's number, or a number of its own.
pub(crate) fn number() -> usize {
    // A thread without a registered area has a number of its own.
    area().and_then(Area::number).unwrap_or_else(assigned_slot)
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

/// The calling thread's slot, or a number that is no slot's if the thread has none yet.
#[inline]
pub(crate) fn slot() -> usize {
    SLOT.with(Cell::get)
}

/// The calling thread's slot, which is given to it now if it has none yet.
fn assigned_slot() -> usize {
    match slot() {
        UNASSIGNED => move_on(),
        slot => slot,
    }
}

/// Gives the calling thread another slot.
#[cold]
pub(crate) fn move_on() -> usize {
    let slot = next() % portable_slots();
    SLOT.with(|own| own.set(slot));
    slot
}

#[cfg(not(pool_loom))]
fn next() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Relaxed)
}

/// Under loom a thread keeps the slot that the model gave it: each repetition must go the same way.
#[cfg(pool_loom)]
fn next() -> usize {
    slot()
}

#[cfg(pool_loom)]
pub(crate) fn set_slot(slot: usize) {
    SLOT.with(|own| own.set(slot));
}
