//! [`Slot`], the part of a pool for the threads with one number, of which one runs at a time.
//!
//! # Invariants
//!
//! 1. The local stack, the lists that other threads steal from, and the counters lie on 128-byte lines of their own.
//! 2. A thread finds its slot by a number that is stale by the time it is used. Any thread may reach any slot, so nothing here relies
//!    on being alone.
//! 3. An idle object moves between a local stack and a list, and in no other way. The thread that moves it has that list locked, and
//!    touches the stack only if the pool runs (`table`): in a restartable sequence, or under the stack's lock. So once a sweep
//!    that has stopped the pool and fenced has held a stack, no object enters or leaves it. An object that was on its way before is in
//!    the list when its mover unlocks it, or on a stack that the sweep has not yet held.

use core::alloc::Layout;
use core::ptr::NonNull;
use core::slice;
use std::alloc::{alloc, dealloc, handle_alloc_error};

use crossbeam_utils::CachePadded;

use crate::slots::counters::Counters;
use crate::slots::list::List;
use crate::slots::local::{Line, LocalStack};
use crate::stats::Stats;

#[repr(C)]
pub(crate) struct Slot {
    /// For the threads with this slot's number, and for sweeps.
    pub(crate) local: LocalStack,
    pub(crate) lists: CachePadded<Lists>,
    /// Any thread adds to them, `Relaxed`.
    pub(crate) counters: CachePadded<Counters>,
}

/// The lists that any thread takes from and adds to, under each list's lock.
pub(crate) struct Lists {
    /// The overflow of the local stack.
    pub(crate) shared: List,
    /// What was idle at the last ageing step and has not been acquired since.
    pub(crate) victims: List,
}

impl Slot {
    /// Where the lines of the local stack are, from the slot's address.
    pub(crate) const LINES: usize = size_of::<Self>();

    /// An empty slot, whose local stack can grow to `local` objects.
    pub(crate) fn make(local: usize) -> NonNull<Self> {
        let lines = LocalStack::lines_for(local);
        let layout = Self::layout(lines);
        // SAFETY: the layout is that of a slot at least, so not of size zero.
        let memory = unsafe { alloc(layout) };
        let Some(slot) = NonNull::new(memory.cast::<Self>()) else { handle_alloc_error(layout) };
        // SAFETY: the lines are in the same piece of memory, behind the slot.
        let first = unsafe { slot.as_ptr().add(1) }.cast::<Line>();
        for number in 0..lines {
            // SAFETY: there is memory for as many lines.
            let line = unsafe { first.add(number) };
            // SAFETY: as above, and `layout` has the alignment.
            unsafe { line.write(Line::default()) };
        }
        // SAFETY: they have just been written, are never written but as atomics, and are there for as long as the slot.
        let objects = unsafe { slice::from_raw_parts(first, lines) };
        let made = Self {
            local: LocalStack::new(objects),
            lists: CachePadded::new(Lists { shared: List::new(), victims: List::new() }),
            counters: CachePadded::new(Counters::new()),
        };
        // SAFETY: there is memory for a slot, with its alignment.
        unsafe { slot.write(made) };
        slot
    }

    /// Frees a slot.
    ///
    /// # Safety
    ///
    /// It came from [`make`](Self::make), there is no object in it, and nobody else uses it.
    pub(crate) unsafe fn unmake(slot: NonNull<Self>) {
        // SAFETY: nobody else uses it, and it is not used again.
        let Self { local, .. } = unsafe { slot.read() };
        // SAFETY: `make` had the memory from `alloc` with this layout. What is in the lines needs no drop.
        unsafe { dealloc(slot.as_ptr().cast(), Self::layout(local.lines())) };
    }

    fn layout(lines: usize) -> Layout {
        let lines = Layout::array::<Line>(lines);
        let layout = lines.and_then(|lines| Layout::new::<Self>().extend(lines));
        let (layout, offset) = layout.expect("`MAX_LOCAL` objects fit into memory");
        debug_assert_eq!(offset, Self::LINES);
        layout
    }

    /// Counts what lies here, each place once: so there are never more victims than there is idle.
    pub(crate) fn add_idle_to(&self, stats: &mut Stats) {
        let victims = self.lists.victims.len();
        stats.victims += victims;
        stats.idle += self.local.len() + self.lists.shared.len() + victims;
    }

    /// How many objects lie here, at moments that have passed by now.
    pub(crate) fn idle(&self) -> usize {
        self.local.len() + self.lists.shared.len() + self.lists.victims.len()
    }
}
