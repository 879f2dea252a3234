//! [`Tables`], a pool's slots by number.
//!
//! The first table covers the CPUs that the machine has; a number beyond it appends another table. Tables and slots are
//! made when a thread first needs them (Go's `pinSlow`), by whichever thread comes first, without a lock: who loses the
//! race frees its own and takes the winner's.
//!
//! # Invariants
//!
//! 1. Tables and slots are never moved, replaced or freed once they are published: a pool is a static, and a reference
//!    to them is good for ever. What grows is the chain, so nothing idle is lost by growing.
//! 2. `running` equals `first` while the pool runs. It is `UNSTARTED` before that, and stays so where pooling is off; it
//!    is null while a sweep has the pool stopped, and only the sweep changes a null.
//! 3. A sweep that has stored null into `running` and then held a private stack knows that whoever holds that stack
//!    later sees the null, until [`restart`](Tables::restart).
//!
//! # Orderings
//!
//! Publication is `Release`, lookup is `Acquire`: what was built is seen whole.
//!
//! Invariant 3 for a slot that exists: the sweep's hold of the stack comes after its store of null, and the later holder
//! synchronises with it through the lock. For a slot that is made while the sweep goes by, [`visit`](Table::visit)
//! exchanges null for null, `AcqRel`, wherever it finds no slot: either the maker's exchange came first and the sweep
//! sees the slot, or it comes second, reads the sweep's, and with it the null in `running`, which is then also seen by
//! whoever finds the slot. The end of the chain is treated the same.

use core::iter::successors;
use core::ptr;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::slot::Slot;
use crate::sync::{AtomicPtr, const_fn};

pub(crate) struct Tables {
    /// What acquire and release go by. `UNSTARTED`, null or `first`.
    running: AtomicPtr<Table>,
    /// Where the chain begins; null until the pool is first used.
    first: AtomicPtr<Table>,
}

pub(crate) struct Table {
    slots: Box<[AtomicPtr<Slot>]>,
    /// The slots after these.
    next: AtomicPtr<Table>,
}

impl Tables {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { running: AtomicPtr::new(UNSTARTED), first: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    /// The first table, if the pool is running.
    #[inline]
    pub(crate) fn running(&self) -> Option<&'static Table> {
        // Acquire: pairs with `restart`.
        published(self.running.load(Acquire))
    }

    /// Whether the pool is running still. Exact for the holder of a private stack (invariant 3), a guess for others.
    #[inline]
    pub(crate) fn is_running(&self) -> bool {
        !self.running.load(Relaxed).is_null()
    }

    /// Whether the pool was ever started: always false where pooling is off.
    #[inline]
    pub(crate) fn is_started(&self) -> bool {
        self.running.load(Relaxed) != UNSTARTED
    }

    /// The first table, if the pool has been used.
    pub(crate) fn first(&self) -> Option<&'static Table> {
        // Acquire: pairs with `first_or_make`.
        published(self.first.load(Acquire))
    }

    /// The first table, made with `len` slots where there is none. The pool is not started by this.
    pub(crate) fn first_or_make(&self, len: usize) -> &'static Table {
        install(&self.first, || Table::new(len))
    }

    /// Starts the pool, whose first table is made. Nothing happens where it was started before: while a sweep has it
    /// stopped, only the sweep lets it run again.
    pub(crate) fn start(&self) {
        let first = self.first.load(Acquire);
        // Release: pairs with `running`. A failure is another starter's success, or a sweep's stop.
        let _ = self.running.compare_exchange(UNSTARTED, first, Release, Relaxed);
    }

    /// Stops the pool for a sweep, which then holds each private stack once (invariant 3). A pool that was never
    /// started is left alone: it has no slots, so nothing idle.
    pub(crate) fn stop(&self) -> bool {
        let started = self.is_started();
        if started {
            // Relaxed: it is the hold of each private stack, after this, that others synchronise with.
            self.running.store(ptr::null_mut(), Relaxed);
        }
        started
    }

    /// Lets the pool run again after a sweep.
    pub(crate) fn restart(&self) {
        // Release: pairs with `running`.
        self.running.store(self.first.load(Acquire), Release);
    }
}

impl Table {
    fn new(len: usize) -> Self {
        Self { slots: (0..len).map(|_| AtomicPtr::default()).collect(), next: AtomicPtr::default() }
    }

    /// The slot with this number, counted from this table on, if it has been made.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> Option<&'static Slot> {
        match self.slots.get(number) {
            // Acquire: pairs with `get_or_make`.
            Some(slot) => published(slot.load(Acquire)),
            None => self.get_beyond(number),
        }
    }

    #[cold]
    fn get_beyond(&self, number: usize) -> Option<&'static Slot> {
        // Acquire: pairs with `get_or_make`.
        published(self.next.load(Acquire))?.get(number - self.slots.len())
    }

    /// The slot with this number, counted from this table on, made where there is none.
    pub(crate) fn get_or_make(&self, number: usize, make: impl FnOnce() -> Slot) -> &'static Slot {
        match self.slots.get(number) {
            Some(slot) => install(slot, make),
            None => install(&self.next, || Self::new(self.slots.len())).get_or_make(number - self.slots.len(), make),
        }
    }

    /// Every slot, beginning with one number and going round.
    pub(crate) fn slots_from(&'static self, number: usize) -> impl Iterator<Item = &'static Slot> {
        self.places().skip(number).chain(self.places().take(number)).filter_map(|slot| published(slot.load(Acquire)))
    }

    /// Every slot, for a sweep that has stopped the pool: a slot that is made later is found by nobody who has not seen
    /// the stop (invariant 3).
    pub(crate) fn visit(&'static self) -> impl Iterator<Item = &'static Slot> {
        successors(Some(self), |table| settled(&table.next)).flat_map(|table| table.slots.iter()).filter_map(settled)
    }

    fn places(&'static self) -> impl Iterator<Item = &'static AtomicPtr<Slot>> {
        successors(Some(self), |table| published(table.next.load(Acquire))).flat_map(|table| table.slots.iter())
    }
}

/// Not null, and no table: the pool has not been started.
const UNSTARTED: *mut Table = ptr::without_provenance_mut(1);

/// What a pointer of this module refers to, if it is neither null nor [`UNSTARTED`].
#[inline]
fn published<T>(pointer: *mut T) -> Option<&'static T> {
    if pointer.addr() <= UNSTARTED.addr() {
        return None;
    }
    // SAFETY: it came from `install`, which leaked a box into it, and is good for ever (invariant 1).
    Some(unsafe { &*pointer })
}

/// What is published at `place`, made and published by us where nothing is.
fn install<T>(place: &AtomicPtr<T>, make: impl FnOnce() -> T) -> &'static T {
    // Acquire: pairs with the exchange below.
    if let Some(published) = published(place.load(Acquire)) {
        return published;
    }
    let made = Box::into_raw(Box::new(make()));
    // AcqRel: Release publishes what was made; Acquire pairs with the winner's, or with a sweep's (`settled`).
    match place.compare_exchange(ptr::null_mut(), made, AcqRel, Acquire) {
        // SAFETY: leaked just now, and good for ever (invariant 1).
        Ok(_) => unsafe { &*made },
        Err(winner) => {
            // SAFETY: the box that was leaked above; the exchange failed, so nobody has seen it.
            drop(unsafe { Box::from_raw(made) });
            published(winner).expect("a place that is not null is published")
        }
    }
}

/// What is published at `place`; where nothing is, whoever publishes there later synchronises with us.
fn settled<T>(place: &AtomicPtr<T>) -> Option<&'static T> {
    published(match place.compare_exchange(ptr::null_mut(), ptr::null_mut(), AcqRel, Acquire) {
        Ok(null) => null,
        Err(pointer) => pointer,
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn started() -> (Tables, &'static Table) {
        let tables = Tables::new();
        let first = tables.first_or_make(2);
        tables.start();
        (tables, first)
    }

    #[test]
    fn a_number_beyond_the_table_extends_it_and_moves_nothing() {
        let (_tables, first) = started();
        let slots: Vec<_> = [1, 0, 7, 2].map(|number| ptr::from_ref(first.get_or_make(number, || Slot::new(0)))).into();
        let again: Vec<_> = [1, 0, 7, 2].map(|number| ptr::from_ref(first.get(number).unwrap())).into();
        assert_eq!(slots, again);
        assert!(first.get(3).is_none() && first.get(8).is_none() && first.get(usize::MAX).is_none());
    }

    #[test]
    fn a_search_begins_at_its_slot_and_visits_each_once() {
        let (_tables, first) = started();
        let slots: Vec<_> = [0, 2, 3, 5].map(|number| ptr::from_ref(first.get_or_make(number, || Slot::new(0)))).into();
        let found: Vec<_> = first.slots_from(3).map(ptr::from_ref).collect();
        assert_eq!(found, [slots[2], slots[3], slots[0], slots[1]]);
        assert_eq!(first.visit().count(), 4);
    }

    #[test]
    fn only_a_sweep_ends_a_stop() {
        let tables = Tables::new();
        assert!(!tables.stop(), "not started, so nothing to stop");
        tables.first_or_make(2);
        assert!(tables.running().is_none() && !tables.is_started());
        tables.start();
        assert!(tables.running().is_some() && tables.is_running());
        assert!(tables.stop());
        tables.start();
        assert!(tables.running().is_none() && !tables.is_running() && tables.is_started());
        tables.restart();
        assert!(tables.running().is_some());
    }
}
