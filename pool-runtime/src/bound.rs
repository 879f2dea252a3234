//! [`Bound`], the strict limit on a pool's idle objects.
//!
//! # Invariants
//!
//! 1. `room = max − charged`, where each object in a list is charged one and each private stack its capacity. So idle
//!    objects never exceed `max` while `room` is not negative.
//! 2. `room` is taken before an object enters a list or a capacity grows, and given back after it has left or shrunk.
//! 3. Only [`set_max`](Bound::set_max) makes `room` negative; whoever calls it sheds objects until it is not.
//! 4. A pool that was given no limit has the default, which depends on the machine and is filled in at the first use:
//!    until then `max` and `room` hold `UNSET`.
//!
//! # Orderings
//!
//! `Relaxed`: the limit follows from the order of the changes of one word, and no object is reached through it.

use core::sync::atomic::Ordering::Relaxed;

use crate::cpu;
use crate::sync::{AtomicIsize, AtomicUsize, const_fn};

/// Idle objects that a pool keeps per CPU where its type says nothing. Two full private stacks of the default size,
/// so at most half of the bound is reserved by private stacks.
const DEFAULT_PER_CPU: usize = 64;

const MAX_UNSET: usize = usize::MAX;
const ROOM_UNSET: isize = isize::MIN;

pub(crate) struct Bound {
    max: AtomicUsize,
    room: AtomicIsize,
}

impl Bound {
    const_fn! {
        /// The default limit.
        pub(crate) const fn default_for_machine() -> Self {
            Self { max: AtomicUsize::new(MAX_UNSET), room: AtomicIsize::new(ROOM_UNSET) }
        }
    }

    const_fn! {
        pub(crate) const fn new(max: usize) -> Self {
            let max = clamped(max);
            Self { max: AtomicUsize::new(max as usize), room: AtomicIsize::new(max) }
        }
    }

    pub(crate) fn max(&self) -> usize {
        match self.max.load(Relaxed) {
            MAX_UNSET => DEFAULT_PER_CPU * cpu::count(),
            max => max,
        }
    }

    /// Takes as much of `n` as there is room for, and says how much that is.
    pub(crate) fn charge_up_to(&self, n: usize) -> usize {
        let mut room = self.load_room();
        loop {
            let granted = usize::try_from(room).unwrap_or(0).min(n);
            if granted == 0 {
                return 0;
            }
            match self.room.compare_exchange_weak(room, room - granted as isize, Relaxed, Relaxed) {
                Ok(_) => return granted,
                Err(now) => room = now,
            }
        }
    }

    /// Gives back `n` that was charged.
    pub(crate) fn give_back(&self, n: usize) {
        if n > 0 {
            self.room.fetch_add(n as isize, Relaxed);
        }
    }

    /// How much may be charged, at a moment that has passed by now.
    pub(crate) fn room(&self) -> usize {
        usize::try_from(self.load_room()).unwrap_or(0)
    }

    /// How much is charged above the limit.
    pub(crate) fn excess(&self) -> usize {
        usize::try_from(-self.load_room()).unwrap_or(0)
    }

    /// Changes the limit. Who lowers it sheds what is above (`sweep`).
    pub(crate) fn set_max(&self, max: usize) {
        // `room` is filled in before `max` changes. Of two threads that change it, each moves `room` by its own step.
        self.load_room();
        let new = clamped(max);
        let old = match self.max.swap(new as usize, Relaxed) {
            MAX_UNSET => clamped(DEFAULT_PER_CPU * cpu::count()),
            old => clamped(old),
        };
        self.room.fetch_add(new - old, Relaxed);
    }

    fn load_room(&self) -> isize {
        match self.room.load(Relaxed) {
            ROOM_UNSET => {
                let max = clamped(self.max());
                self.room.compare_exchange(ROOM_UNSET, max, Relaxed, Relaxed).map_or_else(|now| now, |_| max)
            }
            room => room,
        }
    }
}

/// No machine holds more than `isize::MAX` objects.
const fn clamped(max: usize) -> isize {
    if max > isize::MAX as usize { isize::MAX } else { max as isize }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_charged_than_there_is_room_for() {
        let bound = Bound::new(5);
        assert_eq!(bound.charge_up_to(3), 3);
        assert_eq!(bound.charge_up_to(3), 2);
        assert_eq!(bound.charge_up_to(3), 0);
        bound.give_back(1);
        assert_eq!(bound.charge_up_to(3), 1);
    }

    #[test]
    fn a_lowered_limit_shows_what_is_above_it() {
        let bound = Bound::new(5);
        assert_eq!(bound.charge_up_to(4), 4);
        bound.set_max(1);
        assert_eq!((bound.max(), bound.room(), bound.excess()), (1, 0, 3));
        assert_eq!(bound.charge_up_to(1), 0);
        bound.give_back(3);
        assert_eq!((bound.room(), bound.excess()), (0, 0));
        bound.set_max(2);
        assert_eq!(bound.room(), 1);
    }

    #[test]
    fn the_default_is_filled_in_before_the_limit_changes() {
        let bound = Bound::default_for_machine();
        let default = DEFAULT_PER_CPU * cpu::count();
        assert_eq!((bound.max(), bound.room()), (default, default));
        let bound = Bound::default_for_machine();
        bound.set_max(7);
        assert_eq!((bound.max(), bound.room()), (7, 7));
    }

    #[test]
    fn a_limit_beyond_all_memory_is_no_limit() {
        let bound = Bound::new(usize::MAX);
        assert_eq!(bound.charge_up_to(usize::MAX), isize::MAX as usize);
        assert_eq!(bound.charge_up_to(1), 0);
        bound.set_max(0);
        assert_eq!(bound.excess(), isize::MAX as usize);
    }
}
