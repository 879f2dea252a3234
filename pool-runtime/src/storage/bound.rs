//! [`Bound`], the strict limit on a pool's idle objects.
//!
//! # Invariants
//!
//! 1. One word has the limit and the charge, so both are of one moment. The charge is one for each object in a list, the
//!    capacity of each local stack, and one for each object that a sweep has taken out and not dropped yet. So the idle objects that
//!    are alive never exceed the limit while there is no [`excess`](Bound::excess).
//! 2. An object is charged before it enters a list, and a stack before its capacity grows. The charge is given back after the
//!    object has left or was dropped, and after the capacity has shrunk.
//! 3. Only a lowered limit leaves an excess. Until it is gone no thread can charge anything, and the sweep that lowered the limit takes as
//!    much out (`sweep`).
//! 4. A pool that was given no limit has the default, which depends on the number of CPUs. The first charge fills it in;
//!    until then the limit is `UNSET`. While the word has `DEFAULT`, ageing steps bring it up to date.
//! 5. A second word has the number of charged objects that are being dropped after a sweep, and the process that drops them. In a forked child
//!    the thread that drops them may not exist: there the charges are [written off](Bound::write_off), once, when a charge is
//!    refused or a sweep looks for an excess. A thread that does exist, since the `Drop` of an object has forked, finds another
//!    process named by then and gives nothing back.
//!
//! # Orderings
//!
//! `Relaxed`: the limit follows from the order of the changes of one word, and no object is reached through it.

use core::sync::atomic::Ordering::Relaxed;

use crate::machine::{cpus, process};
use crate::sync::{AtomicWord, Word, const_fn};

/// Idle objects that a pool keeps per CPU if its type gives no limit. Two full local stacks of the default size,
/// so local stacks reserve at most half of the bound.
const DEFAULT_PER_CPU: usize = 64;

/// The lower half of the first word has the charge; the upper half has the limit, and whether it is the default.
const HALF: u32 = Word::BITS / 2;
const CHARGED: Word = (1 << HALF) - 1;
const DEFAULT: Word = 1 << (Word::BITS - 1);
/// The limit of a pool that was given none and has charged nothing.
const UNSET: usize = (1 << (HALF - 1)) - 1;
/// The largest limit: 2,147,483,646, or 32,766 if the processor has no atomic operations on 64 bits.
const MOST: usize = UNSET - 1;

pub(crate) struct Bound {
    /// The limit and the charge (invariant 1). Any thread reads it, charges and gives back. The first charge fills the default in, a thread that
    /// sets the limit changes it before its sweep, and an ageing step changes a default, under the registry's lock (invariants 3 and 4).
    word: AtomicWord,
    /// The process of the last sweep in the upper half, and in the lower the number of objects that it has yet to drop (invariant 5). A
    /// sweep adds objects, under the registry's lock; a thread that has dropped an object takes it off; in a forked child any thread
    /// writes the rest off.
    dropping: AtomicWord,
}

/// The first word, taken apart.
#[derive(Clone, Copy)]
struct State {
    max: usize,
    is_default: bool,
    charged: usize,
}

impl Bound {
    const_fn! {
        /// The default limit.
        pub(crate) const fn default_for_machine() -> Self {
            Self::of(word(UNSET, true, 0))
        }
    }

    const_fn! {
        pub(crate) const fn new(max: usize) -> Self {
            Self::of(word(clamped(max), false, 0))
        }
    }

    const_fn! {
        const fn of(word: Word) -> Self {
            Self { word: AtomicWord::new(word), dropping: AtomicWord::new(0) }
        }
    }

    /// Makes it as new, with this limit, or the default. Nothing is charged, and no other thread uses it.
    pub(crate) fn renew(&self, max: Option<usize>) {
        let new = max.map_or_else(Self::default_for_machine, Self::new);
        self.word.store(new.word.load(Relaxed), Relaxed);
        self.dropping.store(0, Relaxed);
    }

    pub(crate) fn max(&self) -> usize {
        self.load().max
    }

    /// Charges as much of `n` as the limit allows, and returns how much that is.
    pub(crate) fn charge_up_to(&self, n: usize) -> usize {
        let charged = self.charge(n);
        if charged < n && self.write_off() { charged + self.charge(n - charged) } else { charged }
    }

    fn charge(&self, n: usize) -> usize {
        let mut now = self.word.load(Relaxed);
        loop {
            let before = filled_in(now);
            let granted = State::of(before).available().min(n);
            if granted == 0 {
                return 0;
            }
            // No more is charged than the limit, so the sum does not reach the upper half.
            match self.word.compare_exchange_weak(now, before + granted as Word, Relaxed, Relaxed) {
                Ok(_) => return granted,
                Err(other) => now = other,
            }
        }
    }

    /// Gives back a charge of `n`.
    pub(crate) fn give_back(&self, n: usize) {
        if n > 0 {
            // The charge is at least `n`, so the upper half stays as it is.
            let before = self.word.fetch_sub(n as Word, Relaxed);
            debug_assert!((before & CHARGED) as usize >= n, "invariant 2: more is given back than was charged");
        }
    }

    /// Begins the drop of `n` objects, by this process. They stay charged until [`end_drop`](Self::end_drop). One
    /// sweep begins at a time.
    pub(crate) fn begin_drops(&self, process: u32, n: usize) {
        self.write_off();
        self.change_dropping(|now| {
            let begun = if is_of(now, process) { now } else { of(process) };
            Some(begun + n as Word)
        });
    }

    /// Gives back the charge of an object that this process has begun to drop, and has dropped by now.
    pub(crate) fn end_drop(&self, process: u32) {
        let before = self.change_dropping(|now| (is_of(now, process) && now & CHARGED > 0).then(|| now - 1));
        // In a forked child the charge was written off if the exchange was not made (invariant 5).
        if is_of(before, process) && before & CHARGED > 0 {
            self.give_back(1);
        }
    }

    /// Has `n` of these objects charged as before, since they are not dropped after all. `false` if their charges were written off.
    pub(crate) fn keep(&self, process: u32, n: usize) -> bool {
        let is_there = |now: Word| is_of(now, process) && (now & CHARGED) as usize >= n;
        n == 0 || is_there(self.change_dropping(|now| is_there(now).then(|| now - n as Word)))
    }

    /// Gives back, in a forked child, the charges of objects that a thread of its parent was about to drop. `false` if there
    /// are none, as in every other process.
    pub(crate) fn write_off(&self) -> bool {
        self.dropping.load(Relaxed) & CHARGED > 0 && self.write_off_slow()
    }

    #[cold]
    #[inline(never)]
    fn write_off_slow(&self) -> bool {
        let process = process::current();
        let before = self.change_dropping(|now| (!is_of(now, process)).then(|| of(process)));
        let lost = if is_of(before, process) { 0 } else { (before & CHARGED) as usize };
        self.give_back(lost);
        lost > 0
    }

    /// Changes the second word, unless there is no change, and returns its value before.
    fn change_dropping(&self, to: impl Fn(Word) -> Option<Word>) -> Word {
        let mut now = self.dropping.load(Relaxed);
        while let Some(after) = to(now) {
            match self.dropping.compare_exchange_weak(now, after, Relaxed, Relaxed) {
                Ok(_) => return now,
                Err(other) => now = other,
            }
        }
        now
    }

    /// The charge that the limit still allows, at a moment that has passed by now.
    pub(crate) fn available(&self) -> usize {
        self.write_off();
        self.load().available()
    }

    /// The part of the charge that is above the limit.
    pub(crate) fn excess(&self) -> usize {
        self.write_off();
        let state = self.load();
        state.charged.saturating_sub(state.max)
    }

    /// Changes the limit, for a sweep that takes the excess out.
    pub(crate) fn set_max(&self, max: usize) {
        self.change(|state| Some(State { max: clamped(max), is_default: false, ..state }));
    }

    /// Brings a default limit up to date with the number of CPUs, for a sweep that takes the excess out.
    pub(crate) fn follow_default(&self) {
        let max = default_max();
        self.change(|state| (state.is_default && state.max != max).then_some(State { max, ..state }));
    }

    fn load(&self) -> State {
        State::of(filled_in(self.word.load(Relaxed)))
    }

    /// Changes the limit, unless there is no change.
    fn change(&self, to: impl Fn(State) -> Option<State>) {
        let mut now = self.word.load(Relaxed);
        while let Some(State { max, is_default, charged }) = to(State::of(filled_in(now))) {
            match self.word.compare_exchange_weak(now, word(max, is_default, charged), Relaxed, Relaxed) {
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
    }
}

impl State {
    fn of(word: Word) -> Self {
        Self {
            max: ((word & !DEFAULT) >> HALF) as usize,
            is_default: word & DEFAULT != 0,
            charged: (word & CHARGED) as usize,
        }
    }

    fn available(self) -> usize {
        self.max.saturating_sub(self.charged)
    }
}

const fn word(max: usize, is_default: bool, charged: usize) -> Word {
    (if is_default { DEFAULT } else { 0 }) | (max as Word) << HALF | charged as Word
}

/// A second word that names this process, and no objects.
fn of(process: u32) -> Word {
    // Half of the number is enough if the word has no room for more: a process is compared with its ancestors only.
    (process as Word) << HALF
}

fn is_of(dropping: Word, process: u32) -> bool {
    dropping & !CHARGED == of(process)
}

/// The first word, with the default in it if it has no limit yet. Nothing is charged by then.
fn filled_in(first: Word) -> Word {
    #[cold]
    #[inline(never)]
    fn default() -> Word {
        word(default_max(), true, 0)
    }
    if State::of(first).max == UNSET { default() } else { first }
}

fn default_max() -> usize {
    clamped(DEFAULT_PER_CPU * cpus::count())
}

const fn clamped(max: usize) -> usize {
    if max > MOST { MOST } else { max }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_charged_than_the_limit_allows() {
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
        assert_eq!((bound.max(), bound.available(), bound.excess()), (1, 0, 3));
        assert_eq!(bound.charge_up_to(1), 0);
        bound.give_back(3);
        assert_eq!((bound.available(), bound.excess()), (0, 0));
        bound.set_max(2);
        assert_eq!(bound.available(), 1);
    }

    #[test]
    fn the_default_is_filled_in_before_the_limit_changes() {
        let bound = Bound::default_for_machine();
        let default = DEFAULT_PER_CPU * cpus::count();
        assert_eq!((bound.max(), bound.available()), (default, default));
        assert_eq!(bound.charge_up_to(3), 3);
        assert_eq!((bound.max(), bound.available()), (default, default - 3));
        let bound = Bound::default_for_machine();
        bound.set_max(7);
        assert_eq!((bound.max(), bound.available()), (7, 7));
    }

    #[test]
    fn a_default_follows_the_machine_and_a_limit_that_was_set_does_not() {
        let default = default_max();
        // As if the default had been filled in on a larger machine.
        let bound = Bound::of(word(default + 10, true, default + 4));
        assert_eq!((bound.max(), bound.excess()), (default + 10, 0));
        bound.follow_default();
        assert_eq!((bound.max(), bound.excess()), (default, 4));
        bound.set_max(default + 10);
        bound.follow_default();
        assert_eq!((bound.max(), bound.excess()), (default + 10, 0));
    }

    #[test]
    fn what_another_process_was_about_to_drop_is_written_off_once() {
        let (us, parent) = (process::current(), process::current() + 1);
        let bound = Bound::new(5);
        assert_eq!(bound.charge_up_to(5), 5);
        bound.begin_drops(us, 4);
        bound.end_drop(us);
        assert_eq!((bound.available(), bound.charge_up_to(2)), (1, 1), "ours is not written off");
        (0..3).for_each(|_| bound.end_drop(us));
        assert_eq!(bound.available(), 3);

        let bound = Bound::new(5);
        assert_eq!(bound.charge_up_to(5), 5);
        bound.begin_drops(parent, 4);
        assert_eq!(bound.charge_up_to(3), 3);
        // A thread that was copied with the process.
        bound.end_drop(parent);
        assert_eq!((bound.available(), bound.excess()), (1, 0));
        bound.begin_drops(us, 2);
        bound.end_drop(us);
        bound.end_drop(parent);
        bound.end_drop(us);
        assert_eq!(bound.available(), 3);
    }

    #[test]
    fn a_limit_beyond_all_memory_is_the_largest() {
        let bound = Bound::new(usize::MAX);
        assert_eq!(bound.charge_up_to(usize::MAX), MOST);
        assert_eq!(bound.charge_up_to(1), 0);
        bound.set_max(0);
        assert_eq!((bound.max(), bound.excess()), (0, MOST));
        bound.give_back(MOST);
        assert_eq!((bound.max(), bound.excess(), bound.available()), (0, 0, 0));
    }
}
