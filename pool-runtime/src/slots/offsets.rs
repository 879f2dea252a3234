//! [`SlotOffsets`], the offsets of the slots with the first numbers, in the pool's static: an acquire or a release finds a slot by one load.
//!
//! That load replaces three: of `running`, of the table's address, and of the slot's place in the table. Each number has its slot's
//! *offset* from here.
//!
//! | offset | says | goes to | by |
//! |---|---|---|---|
//! | `UNSET`, zero | there is no slot yet, or no thread has published it | the slot's | a miss with this number, by compare-exchange |
//! | the slot's | sequences find the slot | `STOPPED` | a sweep |
//! | `STOPPED` | a sweep has the pool stopped | `UNSET` | the sweep, at its end |
//!
//! `UNSET` and `STOPPED` lead to a closed dummy slot of capacity 0, so a sequence needs no check. A static begins with zeros, so a
//! program has no addresses to relocate when it is loaded.
//!
//! # Invariants
//!
//! 1. An offset other than `UNSET` and `STOPPED` is that of the slot with its number, which the pool's first table had before.
//! 2. From a sweep's stop to its restart the offsets of the first table's numbers are `STOPPED`; others are always `UNSET`. Only a sweep
//!    changes `STOPPED`, and to `UNSET`. The next miss, which an emptied stack brings about, publishes the slot again.
//! 3. A struct that has an offset does not move: it is part of a pool's static, or of a storage that is never freed (`life`).
//!
//! # Orderings
//!
//! An offset is published with `Release`, and a sequence reaches the slot through it: it sees the slot as it was made, and as the
//! last sweep left it, since the publishing thread has read that sweep's restart (`Release`, `Acquire`).
//!
//! A sweep finds each slot that a sequence found here before. A thread that makes a slot exchanges its place in the table, and then
//! its offset. If the first exchange comes before the sweep's of that place (`table`), the sweep sees the slot. If it comes after, it
//! reads the sweep's, and with it the stop: the second exchange finds `STOPPED` and fails.

use core::ptr;
use core::sync::atomic::Ordering::{AcqRel, Relaxed, Release};

use crate::machine::area::HAS_SEQUENCES;
use crate::slots::local::Closed;
use crate::slots::slot::Slot;
use crate::sync::{AtomicUsize, const_fn, store_over_exchanges, zeros};

/// The count of numbers that have an offset in each pool's static, at 8 bytes each. With a number beyond them a pair takes 1.4 times as long.
/// (Under `--cfg pool_inject` it is one: number 0 goes by its offset, the others by the table. Loom has no sequences, but looks at the
/// threads that publish offsets.)
pub(crate) const OFFSETS: usize = if cfg!(pool_inject) {
    1
} else if HAS_SEQUENCES {
    64
} else if cfg!(pool_loom) {
    2
} else {
    0
};

#[repr(C)]
pub(crate) struct SlotOffsets<const N: usize> {
    /// The dummy slots that `UNSET` and `STOPPED` lead to. Sequences read them; never written.
    closed: [Closed; 2],
    /// The offsets, by the slot's number. Sequences load them. A miss on any thread exchanges `UNSET` while the pool runs (invariant 1); a
    /// sweep stops them and runs them again (invariant 2).
    pub(crate) by_number: [AtomicUsize; N],
}

/// The offset of a slot that is not made, or that no thread has published.
const UNSET: usize = 0;
/// The offset of any slot while a sweep has the pool stopped.
const STOPPED: usize = size_of::<Closed>();

impl<const N: usize> SlotOffsets<N> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { closed: [Closed::new(), Closed::new()], by_number: zeros() }
        }
    }

    /// Lets sequences find a slot that the first table has under this number, if the number has an offset here. Does nothing while a
    /// sweep has the pool stopped.
    pub(crate) fn publish(&self, number: usize, slot: &'static Slot) {
        let Some(offset) = self.by_number.get(number) else { return };
        // mutant: publish-while-stopped
        if offset.load(Relaxed) == UNSET {
            // AcqRel: Release is for the sequence that loads it; Acquire pairs with `restart`. It fails if another thread has published
            // the slot, or a sweep has stopped the pool.
            let _ = offset.compare_exchange(UNSET, self.offset(slot), AcqRel, Relaxed);
        }
    }

    /// Stops the offsets of the first table's `slots` numbers: for a sweep, before it fences.
    pub(crate) fn stop(&self, slots: usize) {
        self.by_number.iter().take(slots).for_each(|offset| store_over_exchanges(offset, STOPPED));
    }

    /// Ends a stop. Each slot is published again when a thread misses there.
    pub(crate) fn restart(&self, slots: usize) {
        // Release: pairs with `publish`.
        self.by_number.iter().take(slots).for_each(|offset| offset.store(UNSET, Release));
    }

    fn offset(&self, slot: &'static Slot) -> usize {
        ptr::from_ref(slot).expose_provenance().wrapping_sub(ptr::from_ref(self).addr())
    }
}

#[cfg(test)]
impl<const N: usize> SlotOffsets<N> {
    /// The slot that this offset leads to, if there is one, or `Stopped`.
    pub(crate) fn look(&self, number: usize) -> Result<Option<*const Slot>, Stopped> {
        match self.by_number[number].load(Relaxed) {
            UNSET => Ok(None),
            STOPPED => Err(Stopped),
            offset => Ok(Some(ptr::from_ref(self).cast::<Slot>().wrapping_byte_add(offset))),
        }
    }
}

#[cfg(test)]
#[derive(Debug, PartialEq)]
pub(crate) struct Stopped;

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;
    use crate::slots::local::{CLOSED, LocalStack};

    fn slot() -> &'static Slot {
        Slot::make(0).leak()
    }

    #[test]
    fn a_published_slot_is_found() {
        let (offsets, slots) = (SlotOffsets::<2>::new(), [slot(), slot(), slot()]);
        assert_eq!([offsets.look(0), offsets.look(1)], [Ok(None), Ok(None)]);
        slots.into_iter().enumerate().for_each(|(number, slot)| offsets.publish(number, slot));
        offsets.publish(1, slots[0]);
        assert_eq!([offsets.look(0), offsets.look(1)], [0, 1].map(|number| Ok(Some(ptr::from_ref(slots[number])))));
    }

    #[test]
    fn only_a_restart_ends_a_stop() {
        let (offsets, slots) = (SlotOffsets::<3>::new(), [slot(), slot()]);
        offsets.publish(0, slots[0]);
        offsets.stop(2);
        offsets.publish(0, slots[0]);
        offsets.publish(1, slots[1]);
        assert_eq!([offsets.look(0), offsets.look(1), offsets.look(2)], [Err(Stopped), Err(Stopped), Ok(None)]);
        offsets.restart(2);
        slots.into_iter().enumerate().for_each(|(number, slot)| offsets.publish(number, slot));
        assert_eq!([offsets.look(0), offsets.look(1)], slots.map(|slot| Ok(Some(ptr::from_ref(slot)))));
    }

    #[test]
    fn where_there_is_no_slot_there_is_a_closed_one() {
        let offsets = SlotOffsets::<1>::new();
        for place in [UNSET, STOPPED] {
            let word = |offset| {
                let word = ptr::from_ref(&offsets).cast::<usize>().wrapping_byte_add(place + offset);
                // SAFETY: one of the words of `closed`.
                unsafe { word.read() }
            };
            assert_eq!(word(core::mem::offset_of!(LocalStack, top)), CLOSED.addr());
            assert_eq!(
                [core::mem::offset_of!(LocalStack, stacked), core::mem::offset_of!(LocalStack, stack_limit)].map(word),
                [0, 0]
            );
        }
    }
}
