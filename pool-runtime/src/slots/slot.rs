//! [`Slot`], the part of a pool for the threads with its number. On restartable sequences a single one of them runs at a time.
//!
//! # Invariants
//!
//! 1. The local stack, the lists and the counters lie on 128-byte lines of their own: other threads steal from the lists.
//! 2. A thread finds its slot by a number that is stale by the time it is used. Any thread may reach any slot, so nothing here relies
//!    on being alone.
//! 3. An idle object moves between a local stack and a list, and in no other way. The thread that moves it has that list locked, and
//!    touches the stack only if the pool runs (`table`): in a restartable sequence, or under the stack's lock. So once a sweep
//!    that has stopped the pool and fenced has held a stack, no object enters or leaves it. An object that was on its way before is in
//!    the list when its mover unlocks it, or on a stack that the sweep has not yet held.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::slice;

use crossbeam_utils::CachePadded;

use crate::slots::counters::Counters;
use crate::slots::list::List;
use crate::slots::local::{Line, LocalStack};
use crate::slots::publish::{Free, Made};
use crate::stats::Stats;

#[repr(C)]
pub(crate) struct Slot {
    /// Written by the threads with this slot's number while the pool runs, and by a sweep that has stopped it (invariant 3). Any thread reads
    /// its lengths.
    pub(crate) local: LocalStack,
    /// Read and written by any thread, under each list's lock (invariant 1 of `list`).
    pub(crate) lists: CachePadded<Lists>,
    /// Any thread adds to them and reads them, `Relaxed`.
    pub(crate) counters: CachePadded<Counters>,
}

/// The lists that any thread may take from, under each list's lock.
pub(crate) struct Lists {
    /// The overflow of the local stack. Releases add to it and acquires take from it, on any thread; sweeps empty it (invariant 3).
    pub(crate) shared: List,
    /// The objects that were idle at the last ageing step and have not been acquired since. A sweep, or the thread that weighs, adds to it;
    /// acquires and sweeps take from it.
    pub(crate) victims: List,
}

impl Slot {
    /// The offset of the local stack's lines from the slot's address.
    pub(crate) const LINES: usize = size_of::<Self>();

    /// The number of lines that a slot takes up.
    const SIZE: usize = size_of::<Self>().div_ceil(size_of::<Line>());

    /// An empty slot, whose local stack can grow to `local` objects.
    pub(crate) fn make(local: usize) -> Made<Self> {
        let lines = LocalStack::lines_for(local);
        let mut memory = Box::<[Line]>::new_uninit_slice(Self::SIZE + lines);
        memory[Self::SIZE..].iter_mut().for_each(|line| *line = MaybeUninit::new(Line::default()));
        let memory = NonNull::from(Box::leak(memory)).cast::<Line>();
        let first = memory.as_ptr().wrapping_add(Self::SIZE);
        // SAFETY: they have just been written, are never written but as atomics, and are there for as long as the slot.
        let objects = unsafe { slice::from_raw_parts(first, lines) };
        let slot = memory.cast::<Self>();
        let made = Self {
            local: LocalStack::new(objects),
            lists: CachePadded::new(Lists { shared: List::new(), victims: List::new() }),
            counters: CachePadded::new(Counters::new()),
        };
        // SAFETY: in front of the objects there is memory for a slot, with its alignment, which is that of a line.
        unsafe { slot.write(made) };
        Made(slot)
    }

    /// Adds the objects that lie here. Each place is read once, so there are never more victims than idle objects.
    pub(crate) fn add_idle_to(&self, stats: &mut Stats) {
        let victims = self.lists.victims.len();
        stats.victims += victims;
        stats.idle += self.local.len() + self.lists.shared.len() + victims;
    }

    /// The number of objects here, at moments that have passed by now.
    pub(crate) fn idle(&self) -> usize {
        self.local.len() + self.lists.shared.len() + self.lists.victims.len()
    }
}

#[cfg(not(pool_loom))]
const _: () = assert!(Slot::SIZE * size_of::<Line>() == Slot::LINES && align_of::<Slot>() == align_of::<Line>());

impl Free for Slot {
    unsafe fn free(slot: NonNull<Self>) {
        // SAFETY: no other thread uses it (the caller's promise), and it is not used again.
        let Self { local, .. } = unsafe { slot.read() };
        let memory = NonNull::slice_from_raw_parts(slot.cast::<MaybeUninit<Line>>(), Self::SIZE + local.lines());
        // SAFETY: `make` has leaked it. The lines hold pointers, which need no drop.
        drop(unsafe { Box::from_raw(memory.as_ptr()) });
    }
}
