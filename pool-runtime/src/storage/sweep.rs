//! Sweeps: what `collect`, `age` and a lowered bound do to one pool.
//!
//! # Invariants
//!
//! 1. A sweep runs under the registry's lock, so there is one at a time, and while it is at work the pool is stopped.
//! 2. It is fenced before it begins: no restartable sequence that saw the pool run is still at work (`sequence`). Where
//!    the system refuses the fence, the local stacks are left alone.
//! 3. It goes from slot to slot, in each to the local stack first, and then to the lists. An object that was idle when
//!    it began cannot slip past it (invariant 3 of `slot`), but by being acquired.
//! 4. It drops nothing: it returns what is to be dropped, for when the locks are free. Each of these objects is charged to the bound
//!    until it is dropped (`registry`), so what comes into the pool meanwhile finds no room that it still takes up.
//!
//! 5. What an ageing step leaves is weighed when the pool runs again, a few victims at a time, which are out of their list meanwhile. They
//!    are charged and counted all the while, and a sweep that comes by takes them along (`scales`).
//!
//! While a pool is stopped, acquire and release go on with the shared lists.
//!
//! # Waiting
//!
//! A sweep waits for the holder of a local stack or of a list: a thread in a stretch of instructions that moves pointers
//! and runs no user code. It spins, yields, and then sleeps, so that the holder runs, on the same CPU and below it in priority,
//! too ([`Backoff`]). In a child of `fork` that thread may not exist. There the sweep gives up after
//! [`PATIENCE`], and what lies behind that lock stays where it is; acquire and release pass it over as always.

use core::hint::spin_loop;
use core::sync::atomic::Ordering::Acquire;
use std::time::{Duration, Instant};

use crate::slots::counters::Reason;
use crate::slots::list::{List, LockedList};
use crate::slots::local::LockedStack;
use crate::slots::object::Object;
use crate::slots::slot::Slot;
use crate::slots::table::Table;
use crate::stats::Stats;
use crate::storage::backoff::Backoff;
use crate::storage::live;
use crate::storage::store::Store;
use crate::sync::fence;

/// How long a sweep in a forked child waits for a lock: longer than a thread that exists keeps one, even if it is
/// preempted on a loaded machine.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often a pool is read that other threads make and drop objects of. Two threads that did nothing else let one reading of three through.
pub(crate) const ATTEMPTS: usize = 100;

/// How many objects are on the scales at a time. They cannot be acquired meanwhile; each batch takes the registry's lock once.
const BATCH: usize = 32;

impl Store {
    /// Takes every idle object out.
    pub(crate) fn take_all(&'static self, fenced: bool) -> Vec<Object> {
        let mut taken = Vec::new();
        for slot in self.slots_to_sweep() {
            if !self.is_known_empty(slot, fenced) {
                if let Some(mut local) = held(slot, fenced) {
                    let capacity = local.capacity();
                    taken.append(&mut self.emptied_to(&mut local, capacity));
                }
            }
            taken.append(&mut emptied(&slot.lists.shared));
            taken.append(&mut emptied(&slot.lists.victims));
        }
        self.sweep_counters.dropped(Reason::Collect, taken.len() + self.scales.pass());
        self.scales.set(0, 0);
        taken
    }

    /// One ageing step: takes the victims out, and makes victims of what is idle. A local stack that no batch has
    /// touched since the last step was larger than its use, and becomes half as large. A default bound follows the number of CPUs.
    pub(crate) fn take_aged(&'static self, fenced: bool) -> Vec<Object> {
        let mut aged = Vec::new();
        for slot in self.slots_to_sweep() {
            let mut stacked = Vec::new();
            if let Some(mut local) = held(slot, fenced) {
                let capacity = local.capacity();
                let target = if slot.local.end_interval() { capacity } else { capacity.div_ceil(2) };
                stacked = self.emptied_to(&mut local, target);
            }
            // What was released last is at the end, from where it is acquired: a stack is emptied from its top, and what is shared came first.
            let mut idle = emptied(&slot.lists.shared);
            idle.extend(stacked.into_iter().rev());
            if let Some(mut victims) = locked(&slot.lists.victims) {
                core::mem::swap(&mut *victims, &mut idle);
            }
            aged.append(&mut idle);
        }
        self.sweep_counters.dropped(Reason::Age, aged.len() + self.scales.pass());
        self.scales.set_due();
        self.bound.follow_default();
        self.take_excess(fenced, &mut aged);
        aged
    }

    /// Takes out what is above a bound that was lowered.
    pub(crate) fn take_above(&'static self, fenced: bool) -> Vec<Object> {
        let mut taken = Vec::new();
        if self.bound.excess() > 0 {
            self.sweep_counters.dropped(Reason::Collect, self.scales.pass());
            self.take_excess(fenced, &mut taken);
        }
        taken
    }

    /// Takes victims out, so that no more than `budget` of `sum` are left, of each slot the same share: first what was released first. At least
    /// one, where there is one. The pool may run meanwhile.
    pub(crate) fn take_share(&'static self, budget: usize, sum: usize) -> Vec<Object> {
        let mut taken = Vec::new();
        for slot in self.slots_to_sweep() {
            let Some(mut victims) = locked(&slot.lists.victims) else { continue };
            let kept = victims.len() as u128 * budget as u128 / sum.max(1) as u128;
            let excess = victims.len().saturating_sub(kept as usize);
            taken.extend(victims.drain(..excess));
        }
        self.sweep_counters.dropped(Reason::Collect, taken.len() + self.scales.pass());
        taken
    }

    /// What is left of what was weighed at the last step. What has been acquired since counts no more.
    pub(crate) fn reckon(&self) -> usize {
        self.scales.reckon(self.slots().map(|slot| slot.lists.victims.len()).sum())
    }

    /// Puts objects onto the scales that are among the victims of a slot from `begin` on: `None` where there are none.
    pub(crate) fn put_on_scales(&'static self, slot: &'static Slot, begin: usize, process: u32) -> Vec<Object> {
        let Some(mut victims) = locked(&slot.lists.victims) else { return Vec::new() };
        let batch = BATCH.min(victims.len().saturating_sub(begin));
        let rest = victims.len() - batch;
        // The last objects take their places: a batch moves, however many there are.
        for i in 0..batch.min(rest.saturating_sub(begin)) {
            let last = victims.len() - 1 - i;
            victims.swap(begin + i, last);
        }
        self.scales.hold(batch, process);
        // In a child of `fork`, where no thread has them, their charges are written off.
        self.bound.begin_drops(process, batch);
        victims.drain(rest..).collect()
    }

    /// Puts what was on the scales back to where it was, unless others are acquired meanwhile. Says where those begin that come next.
    pub(crate) fn put_back(
        &'static self,
        slot: &'static Slot,
        begin: usize,
        weighed: &mut Vec<Object>,
        process: u32,
    ) -> usize {
        // In a child of `fork` the lock may be held for ever, and their charges be written off; then they are dropped.
        let Some(mut victims) = locked(&slot.lists.victims) else { return begin };
        if !self.bound.keep(process, weighed.len()) {
            return begin;
        }
        let (batch, rest) = (weighed.len(), victims.len());
        victims.append(weighed);
        for i in 0..batch.min(rest.saturating_sub(begin)) {
            let last = victims.len() - 1 - i;
            victims.swap(begin + i, last);
        }
        begin.min(rest) + batch
    }

    /// Takes out what is above the bound, beside what is `taken` already: first what has been idle for long. The places of local
    /// stacks are given up before an object is, and made anew as far as there is room for them.
    fn take_excess(&'static self, fenced: bool, taken: &mut Vec<Object>) {
        if self.bound.excess() <= taken.len() {
            return;
        }
        let before = taken.len();
        let mut stacks = Vec::new();
        for slot in self.slots_to_sweep() {
            if let Some(mut local) = held(slot, fenced) {
                let capacity = local.capacity();
                stacks.push((slot, capacity, self.emptied_to(&mut local, 0)));
            }
        }
        self.slots_to_sweep().for_each(|slot| self.shed(locked(&slot.lists.victims).as_deref_mut(), taken));
        self.slots_to_sweep().for_each(|slot| self.shed(locked(&slot.lists.shared).as_deref_mut(), taken));
        for (slot, capacity, mut objects) in stacks {
            self.shed(Some(&mut objects), taken);
            match locked(&slot.lists.shared) {
                Some(mut shared) => shared.append(&mut objects),
                None => taken.append(&mut objects),
            }
            if let Some(mut local) = held(slot, fenced) {
                let target = capacity.min(self.max_capacity());
                local.grow(self.bound.charge_up_to(target));
            }
        }
        self.sweep_counters.dropped(Reason::Collect, taken.len() - before);
    }

    /// Takes all objects out of a local stack, each with its charge, which comes out of the capacity. The capacity is
    /// then `target`, as far as there is room for it.
    fn emptied_to(&self, local: &mut LockedStack<'static>, target: usize) -> Vec<Object> {
        let capacity = local.capacity();
        let objects = local.take_all();
        let rest = capacity - objects.len();
        self.bound.give_back(rest.saturating_sub(target));
        local.set_capacity(rest.min(target) + self.bound.charge_up_to(target.saturating_sub(rest)));
        objects
    }

    /// Moves what is above the bound from one list to what is to be dropped.
    fn shed(&self, list: Option<&mut Vec<Object>>, taken: &mut Vec<Object>) {
        let Some(list) = list else { return };
        // What is taken is charged still.
        let excess = self.bound.excess().saturating_sub(taken.len()).min(list.len());
        if excess > 0 {
            // What stays moves to memory of its own size.
            let rest = list.split_off(excess);
            taken.append(&mut core::mem::replace(list, rest));
        }
    }

    /// Statistics of one moment. `None` without a fence; in a forked child, where a lock is held by a thread that does not exist; and where other
    /// threads make and drop objects all the time.
    ///
    /// All lists are held at once, and then read with the stacks, on which nothing goes and off which nothing comes (invariant 3 of `slot`). So no object
    /// is between two places. A thread that holds a list waits for nothing meanwhile, so the sweep gets each. The counters, which only grow, are the same before
    /// and after: so they were at that moment. All of them are Relaxed loads, and the fences (Acquire) have each be over before the next begins: to take a
    /// lock holds back what comes after, and to leave it what came before.
    ///
    /// The top of a stack on the portable backend is exchanged without its lock: by a thread that has seen the pool run, once more. What it takes out
    /// cannot come to another place while the lists are held, and what it puts in was in none; so no object is counted twice or passed over.
    pub(crate) fn settled(&'static self, fenced: bool) -> Option<Stats> {
        let slots: Vec<_> = self.slots_to_sweep().collect();
        for slot in &slots {
            held(slot, fenced)?;
        }
        let mut lists = Vec::with_capacity(2 * slots.len());
        let mut before = self.counted();
        for _ in 0..ATTEMPTS {
            let mut idle = Stats::default();
            for list in slots.iter().flat_map(|slot| [&slot.lists.shared, &slot.lists.victims]) {
                lists.push(locked(list)?);
            }
            fence(Acquire);
            slots.iter().for_each(|slot| slot.add_idle_to(&mut idle));
            idle.add_held(self.scales.held());
            lists.clear();
            fence(Acquire);
            let mut after = self.counted();
            if after.came_and_went() == before.came_and_went() {
                (after.idle, after.victims) = (idle.idle, idle.victims);
                after.balance();
                return Some(after);
            }
            before = after;
        }
        None
    }

    /// Ends the process where a sequence is still at work on a local stack, which is looked at twice.
    pub(crate) fn assert_still(&'static self) {
        if self.tables.area().is_none() {
            return;
        }
        // The same slots both times: one that is made between is no write to a stack.
        let slots: Vec<_> = self.slots_to_sweep().collect();
        let words = || slots.iter().map(|slot| slot.local.words()).collect::<Vec<_>>();
        let before = words();
        (0..1000).for_each(|_| spin_loop());
        if before != words() {
            eprintln!("a sequence has written to a stack of `{}`, which is stopped and fenced", self.name());
            std::process::abort();
        }
    }

    fn slots_to_sweep(&'static self) -> impl Iterator<Item = &'static Slot> {
        self.tables.first_table().into_iter().flat_map(Table::slots_in_sweep)
    }

    /// Whether there is nothing in the local stack, nor can a thread put something there before the pool runs.
    fn is_known_empty(&self, slot: &Slot, fenced: bool) -> bool {
        fenced && self.tables.area().is_some() && slot.local.len() == 0
    }
}

/// The hold of a local stack. None where there was no fence: sequences may still be at work on it.
fn held(slot: &'static Slot, fenced: bool) -> Option<LockedStack<'static>> {
    if fenced { wait_for(|| slot.local.try_hold()) } else { None }
}

/// What the list held, with the memory that it held it in.
fn emptied(list: &'static List) -> Vec<Object> {
    if list.is_settled_and_empty() {
        return Vec::new();
    }
    locked(list).map(|mut objects| core::mem::take(&mut *objects)).unwrap_or_default()
}

fn locked(list: &'static List) -> Option<LockedList<'static>> {
    wait_for(|| list.try_lock())
}

/// Tries until it works. `None` only in a forked child, when it has not worked for [`PATIENCE`].
fn wait_for<L>(mut attempt: impl FnMut() -> Option<L>) -> Option<L> {
    let mut backoff = Backoff::new();
    let mut deadline = None;
    loop {
        if let Some(lock) = attempt() {
            return Some(lock);
        }
        if backoff.is_completed() && live::is_forked() {
            let now = Instant::now();
            if now > *deadline.get_or_insert(now + PATIENCE) {
                return None;
            }
        }
        backoff.snooze();
    }
}
