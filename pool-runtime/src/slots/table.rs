//! [`Tables`], the slots of a pool by number.
//!
//! The first table covers the numbers that the machine's CPUs can have, and so all concurrency ids. A number beyond it appends another
//! table. A thread that first needs a table or a slot makes it (Go's `pinSlow`), without a lock: a thread that loses the race frees
//! its own table or slot and takes the winner's.
//!
//! | `running` | says | goes to | by |
//! |---|---|---|---|
//! | `UNSTARTED`, zero | the pool is not used yet, or pooling is off | `STARTED + n` | the first use |
//! | `STARTED + n` | the pool runs, and its first table has `n` slots | `STARTED` | a sweep |
//! | `STARTED` | a sweep has the pool stopped | `STARTED + n` | that sweep |
//!
//! # Invariants
//!
//! 1. A published table or slot is never moved, replaced or freed: a pool is a static, or has a storage that is never freed (`life`), and a
//!    reference to its tables and slots is good for ever. The chain grows, so growth loses no idle object. Tables and slots are freed if the library that the pool is part of is unloaded:
//!    then no thread has a reference, nor the code that would use it.
//! 2. `running` is as in the table above, and `slots` leads to the slots of `first` from the start on. The offsets are stopped and
//!    run again together with `running`.
//! 3. After a sweep has stopped the pool, fenced, and held a local stack, each later user of that stack sees the pool stopped, until
//!    [`restart`](Tables::restart).
//! 4. An empty table entry points to a closed dummy slot of capacity 0, which is never written: a sequence needs no null check.
//!
//! # Orderings
//!
//! Publication is `Release` and lookup is `Acquire`: a thread sees a table or slot as it was built.
//!
//! Invariant 3 on restartable sequences: each sequence reads `running` or an offset, and the fence ends those that have read it before
//! (`sequence`). A sequence reads `slots` after `running`, and a slot through an address, so it sees both as they were built.
//!
//! Invariant 3 on the portable backend, which has no fence. If the slot exists, the sweep holds its stack after the stop, and the next
//! holder synchronises with the sweep through the lock. If a thread makes the slot while the sweep goes by:
//! [`slots_in_sweep`](Table::slots_in_sweep) compare-exchanges an empty entry with itself (`AcqRel`), to be ordered with the thread
//! that fills it. If the maker's exchange came first, the sweep sees the slot. If it came second, the maker has read the sweep's
//! exchange and with it the stop, and so has each thread that finds the slot. A sweep treats the end of the chain as an empty entry.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::iter::successors;
use core::mem;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

#[cfg(not(pool_loom))]
use crossbeam_utils::CachePadded;

use crate::machine::area::Area;
#[cfg(not(pool_loom))]
use crate::slots::local::Closed;
use crate::slots::offsets::{OFFSETS, SlotOffsets};
use crate::slots::publish::{Free, Made, get_or_publish, load_in_sweep, published};
use crate::slots::slot::Slot;
use crate::sync::{AtomicIsize, AtomicPtr, AtomicUsize, const_fn};

#[repr(C)]
pub(crate) struct Tables {
    /// The slots with the first numbers. Sequences of one object read them; a miss and a sweep change them (invariant 2).
    pub(crate) offsets: SlotOffsets<OFFSETS>,
    /// `UNSTARTED`, `STARTED`, or `STARTED` and a number of slots, in the lower half. Every thread reads it. The first use exchanges it. From then
    /// on the holder of the registry's lock alone stores to it: a sweep, or a thread that finds the pool stopped and no sweep at work.
    pub(crate) running: AtomicUsize,
    /// The slots of `first`; null until the pool is started. Each thread that starts the pool stores the same address. Valid for a thread that
    /// sees the pool run (invariant 2).
    pub(crate) slots: AtomicPtr<AtomicPtr<Slot>>,
    /// The offset of the rseq areas ([`Area::offset`]); zero on the portable backend, and until the pool is started. Written as `slots`; any
    /// thread reads it, and a thread that has not seen the pool run takes it for a guess.
    area: AtomicIsize,
    /// The beginning of the chain; null until the pool is first used. A first use exchanges it once; any thread reads it (invariant 1).
    first: AtomicPtr<Table>,
}

const UNSTARTED: usize = 0;
const STARTED: usize = 1 << (usize::BITS - 1);

pub(crate) struct Table {
    /// The slots, or the dummy if a slot is not made (invariant 4). A thread that needs a slot exchanges its entry once; any thread reads it.
    slots: Box<[AtomicPtr<Slot>]>,
    /// The table of the slots after these; null until a thread needs one, and exchanges this once (invariant 1). Any thread reads it.
    next: AtomicPtr<Table>,
}

impl Tables {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                offsets: SlotOffsets::new(),
                running: AtomicUsize::new(UNSTARTED),
                slots: AtomicPtr::new(ptr::null_mut()),
                area: AtomicIsize::new(0),
                first: AtomicPtr::new(ptr::null_mut()),
            }
        }
    }

    /// The rseq areas, if the pool uses them. `None` is a guess: the pool may have been started since.
    #[inline]
    pub(crate) fn area(&self) -> Option<Area> {
        Area::from_offset(self.area.load(Relaxed))
    }

    /// The slot with this number, if it has been made, the pool is running on the portable backend, and the number is not
    /// beyond the first table.
    #[inline]
    pub(crate) fn running_portable_slot(&self, number: usize) -> Option<&'static Slot> {
        // Acquire: pairs with `start` and `restart`.
        let len = self.running.load(Acquire) & !STARTED;
        // After the Acquire load: if `running` is set, `area` is valid.
        if number >= len || self.area().is_some() {
            return None;
        }
        // SAFETY: the pool was started, so `slots` leads to as many slots (invariant 2), which are never freed (invariant 1).
        let slot = unsafe { &*self.slots.load(Relaxed).wrapping_add(number) };
        // Acquire: pairs with `get_or_make`.
        published(slot.load(Acquire), no_slot())
    }

    /// Whether the pool is running still. Exact for the holder of a local stack (invariant 3), a guess for other threads.
    #[inline]
    pub(crate) fn is_running(&self) -> bool {
        self.running_slots() != 0
    }

    /// The number of slots of `first`, or zero if the pool is not running: a guess, as for `is_running`.
    #[inline]
    fn running_slots(&self) -> usize {
        self.running.load(Relaxed) & !STARTED
    }

    /// Lets sequences find a slot, which has been made under this number, by its offset. `false` if the pool is not
    /// running, or the number is beyond the first table.
    pub(crate) fn publish(&self, number: usize, slot: &'static Slot) -> bool {
        let found = number < self.running_slots(); // mutant: publish-while-stopped
        if found {
            self.offsets.publish(number, slot);
        }
        found
    }

    /// Whether the pool was ever started: always false if pooling is off.
    #[inline]
    pub(crate) fn is_started(&self) -> bool {
        self.running.load(Relaxed) != UNSTARTED
    }

    /// Whether the pool was started and does not run: a guess, as for `is_running`.
    pub(crate) fn is_stopped(&self) -> bool {
        self.running.load(Relaxed) == STARTED
    }

    /// The first table, if the pool has been used.
    pub(crate) fn first_table(&self) -> Option<&'static Table> {
        // Acquire: pairs with `first_table_or_make`.
        published(self.first.load(Acquire), ptr::null_mut())
    }

    /// The first table, made with `len` slots if there is none. The pool is not started by this.
    pub(crate) fn first_table_or_make(&self, len: usize) -> &'static Table {
        Table::get_or_publish(&self.first, len)
    }

    /// Starts the pool, whose first table is made, with restartable sequences if there is an area. Nothing happens if the
    /// pool was started before: while a sweep has it stopped, only the sweep lets it run again.
    pub(crate) fn start(&self, area: Option<Area>) {
        let Some(first) = self.first_table() else { return };
        self.slots.store(first.slots.as_ptr().cast_mut(), Relaxed);
        self.area.store(area.map_or(0, Area::offset), Relaxed);
        // Release: pairs with `running_portable_slot`. It fails if another thread has started the pool, or a sweep has stopped it since.
        let _ = self.running.compare_exchange(UNSTARTED, STARTED | first.slots.len(), Release, Relaxed);
    }

    /// Stops the pool for a sweep, which then holds each local stack once (invariant 3). A pool that was never
    /// started is left alone: it has no idle objects.
    pub(crate) fn stop(&self) -> bool {
        // Acquire: pairs with `start`. A sweep that finds the pool started sees its first table, and stops all its slots below, even
        // if the sweep has not come by way of the registry's list.
        let started = self.running.load(Acquire) != UNSTARTED;
        if started {
            // Relaxed: other threads synchronise with the hold of each local stack, which comes after this.
            self.running.store(STARTED, Relaxed); // mutant: no-stop
            // mutant: no-stop-offsets
            self.offsets.stop(self.first_table().map_or(0, |first| first.slots.len()));
        }
        started
    }

    /// Lets the pool run again after a sweep.
    pub(crate) fn restart(&self) {
        let Some(first) = self.first_table() else { return };
        self.offsets.restart(first.slots.len());
        // Release: pairs with `running_portable_slot`.
        self.running.store(STARTED | first.slots.len(), Release);
    }

    /// Frees the tables and the slots. The pool is as it was before its first use.
    ///
    /// # Safety
    ///
    /// There is no object in the pool, and no other thread uses it.
    #[allow(dead_code, reason = "only glibc tells that a library is unloaded")]
    pub(crate) unsafe fn clear(&self) {
        if let Some(first) = self.first_table() {
            self.offsets.restart(first.slots.len());
        }
        self.running.store(UNSTARTED, Relaxed);
        self.slots.store(ptr::null_mut(), Relaxed);
        self.area.store(0, Relaxed);
        let mut next = self.first.swap(ptr::null_mut(), Relaxed);
        while let Some(table) = published(next, ptr::null_mut()) {
            for slot in table.slots.iter().map(|slot| slot.load(Relaxed)).filter(|&slot| slot != no_slot()) {
                // SAFETY: it was published; no object is in it, and no other thread uses it (the caller's promise).
                drop(unsafe { Made::again(slot) });
            }
            let freed = mem::replace(&mut next, table.next.load(Relaxed));
            // SAFETY: it was published, and no other thread uses it (the caller's promise), nor do we.
            drop(unsafe { Made::again(freed) });
        }
    }
}

impl Table {
    fn make(len: usize) -> Made<Self> {
        let slots = (0..len).map(|_| AtomicPtr::new(no_slot())).collect();
        Made(NonNull::from(Box::leak(Box::new(Self { slots, next: AtomicPtr::default() }))))
    }

    /// The slot with this number, counted from this table on, if it has been made.
    pub(crate) fn get(&self, number: usize) -> Option<&'static Slot> {
        match self.slots.get(number) {
            // Acquire: pairs with `get_or_make`.
            Some(slot) => published(slot.load(Acquire), no_slot()),
            None => self.get_beyond(number),
        }
    }

    #[cold]
    fn get_beyond(&self, number: usize) -> Option<&'static Slot> {
        // Acquire: pairs with `get_or_make`.
        published(self.next.load(Acquire), ptr::null_mut())?.get(number - self.slots.len())
    }

    /// The slot with this number, counted from this table on, made if there is none, with a local stack that can
    /// grow to `local` objects.
    pub(crate) fn get_or_make(&self, number: usize, local: usize) -> &'static Slot {
        match self.slots.get(number) {
            Some(slot) => get_or_publish(slot, no_slot(), || Slot::make(local)),
            None => Self::get_or_publish(&self.next, self.slots.len()).get_or_make(number - self.slots.len(), local),
        }
    }

    /// The table at `place`, made with `len` slots if there is none.
    fn get_or_publish(place: &AtomicPtr<Self>, len: usize) -> &'static Self {
        get_or_publish(place, ptr::null_mut(), || Self::make(len))
    }

    /// Every slot, beginning with this number and going round.
    pub(crate) fn slots_from(&'static self, number: usize) -> impl Iterator<Item = &'static Slot> {
        self.places()
            .skip(number)
            .chain(self.places().take(number))
            .filter_map(|slot| published(slot.load(Acquire), no_slot()))
    }

    /// Every slot, for a sweep that has stopped the pool: only threads that have seen the stop find a slot that is made later
    /// (invariant 3).
    pub(crate) fn slots_in_sweep(&'static self) -> impl Iterator<Item = &'static Slot> {
        successors(Some(self), |table| load_in_sweep(&table.next, ptr::null_mut()))
            .flat_map(|table| table.slots.iter())
            .filter_map(|slot| load_in_sweep(slot, no_slot()))
    }

    fn places(&'static self) -> impl Iterator<Item = &'static AtomicPtr<Slot>> {
        successors(Some(self), |table| published(table.next.load(Acquire), ptr::null_mut()))
            .flat_map(|table| table.slots.iter())
    }
}

/// The pointer in the place of a slot that has not been made (invariant 4).
#[cfg(not(pool_loom))]
#[inline]
fn no_slot() -> *mut Slot {
    (&raw const NO_SLOT).cast::<Slot>().cast_mut()
}

/// Under loom null does: there are no sequences, and no statics.
#[cfg(pool_loom)]
fn no_slot() -> *mut Slot {
    ptr::null_mut()
}

/// The beginning of a slot: a sequence reads no more of it.
#[cfg(not(pool_loom))]
static NO_SLOT: CachePadded<Closed> = CachePadded::new(Closed::new());

impl Free for Table {
    unsafe fn free(table: NonNull<Self>) {
        // SAFETY: `make` has leaked the box; the caller's promise.
        drop(unsafe { Box::from_raw(table.as_ptr()) });
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    fn started() -> (Tables, &'static Table) {
        let tables = Tables::new();
        let first = tables.first_table_or_make(2);
        tables.start(None);
        (tables, first)
    }

    #[test]
    fn a_number_beyond_the_table_extends_it_and_moves_nothing() {
        let (_tables, first) = started();
        let slots: Vec<_> = [1, 0, 7, 2].map(|number| ptr::from_ref(first.get_or_make(number, 0))).into();
        let again: Vec<_> = [1, 0, 7, 2].map(|number| ptr::from_ref(first.get(number).unwrap())).into();
        assert_eq!(slots, again);
        assert!(first.get(3).is_none() && first.get(8).is_none() && first.get(usize::MAX).is_none());
    }

    #[test]
    fn a_search_begins_at_its_slot_and_visits_each_once() {
        let (_tables, first) = started();
        let slots: Vec<_> = [0, 2, 3, 5].map(|number| ptr::from_ref(first.get_or_make(number, 0))).into();
        let found: Vec<_> = first.slots_from(3).map(ptr::from_ref).collect();
        assert_eq!(found, [slots[2], slots[3], slots[0], slots[1]]);
        assert_eq!(first.slots_in_sweep().count(), 4);
    }

    #[test]
    fn only_a_sweep_ends_a_stop() {
        let tables = Tables::new();
        assert!(!tables.stop(), "not started, so nothing to stop");
        tables.first_table_or_make(2).get_or_make(0, 0);
        assert!(tables.running_portable_slot(0).is_none() && !tables.is_started());
        tables.start(None);
        assert!(tables.running_portable_slot(0).is_some() && tables.is_running());
        assert!(tables.stop());
        tables.start(None);
        assert!(tables.running_portable_slot(0).is_none() && !tables.is_running() && tables.is_started());
        tables.restart();
        assert!(tables.running_portable_slot(0).is_some());
    }
}
