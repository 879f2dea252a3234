//! [`Slot`], a pool's part for one CPU.
//!
//! # Invariants
//!
//! 1. The private stack, the lists that thieves read, and the counters lie on 128-byte lines of their own.
//! 2. A slot is found by a number that is stale by the time it is used: any thread may reach any slot, so nothing here
//!    relies on being alone.
//! 3. An idle object moves from one place to another only between a private stack and a list, by a mover who has that
//!    list locked, and who puts it onto or takes it off the stack only if the pool is running (`table`): in a restartable
//!    sequence, or under the stack's lock. So when a sweep that has stopped the pool and fenced has held each private
//!    stack once, and then locks a list, every idle object is in the sweep's hands, in that list, or in one that comes.

use crossbeam_utils::CachePadded;

use crate::list::List;
use crate::private::Private;
use crate::stats::Counters;

#[repr(C)]
pub(crate) struct Slot {
    pub(crate) private: Private,
    pub(crate) lists: CachePadded<Lists>,
    pub(crate) counters: CachePadded<Counters>,
}

/// What any thread may take.
pub(crate) struct Lists {
    /// The overflow of the private stack.
    pub(crate) shared: List,
    /// What was idle at the last ageing step and has not been acquired since.
    pub(crate) victims: List,
}

impl Slot {
    /// An empty slot, whose private stack can grow to `local` objects.
    pub(crate) fn new(local: usize) -> Self {
        Self {
            private: Private::new(local),
            lists: CachePadded::new(Lists { shared: List::new(), victims: List::new() }),
            counters: CachePadded::new(Counters::new()),
        }
    }

    /// How many objects lie here, at moments that have passed by now.
    pub(crate) fn idle(&self) -> usize {
        self.private.len() + self.lists.shared.len() + self.lists.victims.len()
    }
}
