//! [`Near`], where an acquire or a release finds the slots with the first numbers: in the pool's static, one load away.
//!
//! For each of these numbers there is its slot's *distance* from here. Zero, which a static begins with, leads to the beginning of
//! a slot that is closed and has no room: a sequence finds nothing there and asks no more, and a program has no addresses to
//! relocate when it is loaded.
//!
//! # Invariants
//!
//! 1. A distance is `NOWHERE`, or `STOPPED`, or that of the slot with its number, which the pool's first table had before.
//! 2. From a sweep's stop to its restart all are `STOPPED`, of as many numbers as the first table has. The others are
//!    `NOWHERE` for good. What is `STOPPED` only a sweep changes, and to `NOWHERE`. The slow path, which comes by anyway where
//!    a private stack has been emptied, notes the slot again.
//! 3. Where there is a distance this stays where it is: it is part of a pool, and a pool is a static.
//!
//! # Orderings
//!
//! A slot's distance is stored with `Release`, and a sequence reaches the slot through it: what it finds there is seen whole,
//! as it was made, and as the last sweep has left it, whose restart (`Release`) the one who stores it has read (`Acquire`).
//!
//! A sweep finds each slot that a sequence found here before. Who makes a slot exchanges its place in the table and then its
//! distance. Either the first comes before the sweep's exchange of that place (`table`), and the sweep sees the slot;
//! or it comes after it, reads it, and with it the stop: the second finds `STOPPED`, and leaves it.

use core::ptr;
use core::sync::atomic::Ordering::{AcqRel, Relaxed, Release};

use crate::slots::private::Closed;
use crate::slots::slot::Slot;
use crate::sync::{AtomicUsize, const_fn, store_over_exchanges, zeros};

#[repr(C)]
pub(crate) struct Near<const N: usize> {
    /// Where `NOWHERE` and `STOPPED` lead.
    closed: [Closed; 2],
    /// By the slot's number.
    pub(crate) distances: [AtomicUsize; N],
}

/// There is no slot, or nobody has noted it.
const NOWHERE: usize = 0;
/// A sweep has the pool stopped.
const STOPPED: usize = size_of::<Closed>();

impl<const N: usize> Near<N> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { closed: [Closed::new(), Closed::new()], distances: zeros() }
        }
    }

    /// Lets sequences find a slot that the first table has under this number, if it is one of ours. Does nothing while a
    /// sweep has the pool stopped.
    pub(crate) fn note(&self, number: usize, slot: &'static Slot) {
        let Some(distance) = self.distances.get(number) else { return };
        if distance.load(Relaxed) == NOWHERE {
            // AcqRel: Release is for the sequence that loads it; Acquire pairs with `restart`. A failure is another's success,
            // or a sweep's stop.
            let _ = distance.compare_exchange(NOWHERE, self.distance(slot), AcqRel, Relaxed);
        }
    }

    /// Stops as many as the first table has slots: for a sweep, before it fences.
    pub(crate) fn stop(&self, slots: usize) {
        self.distances.iter().take(slots).for_each(|distance| store_over_exchanges(distance, STOPPED));
    }

    /// Ends a stop. Each slot is noted again when it is next used.
    pub(crate) fn restart(&self, slots: usize) {
        // Release: pairs with `note`.
        self.distances.iter().take(slots).for_each(|distance| distance.store(NOWHERE, Release));
    }

    fn distance(&self, slot: &'static Slot) -> usize {
        ptr::from_ref(slot).expose_provenance().wrapping_sub(ptr::from_ref(self).addr())
    }
}

#[cfg(test)]
impl<const N: usize> Near<N> {
    /// Whether a sweep has stopped this one; else the slot that it leads to, if there is one.
    pub(crate) fn look(&self, number: usize) -> Result<Option<*const Slot>, Stopped> {
        match self.distances[number].load(Relaxed) {
            NOWHERE => Ok(None),
            STOPPED => Err(Stopped),
            distance => Ok(Some(ptr::from_ref(self).cast::<Slot>().wrapping_byte_add(distance))),
        }
    }
}

#[cfg(test)]
#[derive(Debug, PartialEq)]
pub(crate) struct Stopped;

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;
    use crate::slots::private::{CLOSED, Private};

    fn slot() -> &'static Slot {
        // SAFETY: made just now, and never unmade.
        unsafe { Slot::make(0).as_ref() }
    }

    #[test]
    fn what_is_noted_is_found() {
        let (near, slots) = (Near::<2>::new(), [slot(), slot(), slot()]);
        assert_eq!([near.look(0), near.look(1)], [Ok(None), Ok(None)]);
        slots.into_iter().enumerate().for_each(|(number, slot)| near.note(number, slot));
        near.note(1, slots[0]);
        assert_eq!([near.look(0), near.look(1)], [0, 1].map(|number| Ok(Some(ptr::from_ref(slots[number])))));
    }

    #[test]
    fn only_a_restart_ends_a_stop() {
        let (near, slots) = (Near::<3>::new(), [slot(), slot()]);
        near.note(0, slots[0]);
        near.stop(2);
        near.note(0, slots[0]);
        near.note(1, slots[1]);
        assert_eq!([near.look(0), near.look(1), near.look(2)], [Err(Stopped), Err(Stopped), Ok(None)]);
        near.restart(2);
        slots.into_iter().enumerate().for_each(|(number, slot)| near.note(number, slot));
        assert_eq!([near.look(0), near.look(1)], slots.map(|slot| Ok(Some(ptr::from_ref(slot)))));
    }

    #[test]
    fn where_there_is_no_slot_there_is_a_closed_one() {
        let near = Near::<1>::new();
        for distance in [NOWHERE, STOPPED] {
            let word = |offset| {
                let place = ptr::from_ref(&near).cast::<usize>().wrapping_byte_add(distance + offset);
                // SAFETY: one of the words of `closed`.
                unsafe { place.read() }
            };
            assert_eq!(word(core::mem::offset_of!(Private, front)), CLOSED.addr());
            assert_eq!([core::mem::offset_of!(Private, len), core::mem::offset_of!(Private, limit)].map(word), [0, 0]);
        }
    }
}
