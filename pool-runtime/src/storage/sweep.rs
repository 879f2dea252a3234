//! Sweeps: the work of `collect`, `age` and a lowered bound on one pool.
//!
//! # Invariants
//!
//! 1. A sweep runs under the registry's lock, so there is one at a time, and while it is at work the pool is stopped.
//! 2. It is fenced before it begins: no restartable sequence that saw the pool run is still at work (`sequence`). If
//!    the system refuses the fence, the sweep leaves the local stacks alone.
//! 3. It goes from slot to slot, in each to the local stack first, and then to the lists. An object that was idle when
//!    the sweep began cannot slip past it (invariant 3 of `slot`), but by being acquired.
//! 4. It drops no object: it returns the objects that are to be dropped, for when the locks are free. Each of them is charged to the bound
//!    until it is dropped (`registry`), so an object that comes into the pool meanwhile finds no room that they still take up.
//! 5. The victims that an ageing step leaves are weighed when the pool runs again, a few at a time, which are out of their list meanwhile.
//!    They are charged and counted all the while, and a sweep that comes by takes them along (`scales`).
//!
//! While a pool is stopped, acquire and release go on with the shared lists.
//!
//! # Waiting
//!
//! A sweep waits for the holder of a local stack or of a list: a thread in a stretch of instructions that moves pointers
//! and runs no user code. It spins, yields, and then sleeps, so that the holder runs, on the same CPU and below it in priority,
//! too ([`Backoff`]). In a child of `fork` that thread may not exist. There the sweep gives up after
//! [`PATIENCE`], and the objects behind that lock stay there; acquire and release pass the lock over as always.

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

/// The time that a sweep in a forked child waits for a lock: longer than a thread that exists keeps one, even if that thread is
/// preempted on a loaded machine.
const PATIENCE: Duration = Duration::from_millis(100);

/// The most readings of a pool while other threads make and drop its objects. Two threads that did nothing else let one reading of three
/// through.
pub(crate) const ATTEMPTS: usize = 100;

/// The number of objects on the scales at a time. They cannot be acquired meanwhile; each batch takes the registry's lock once.
const BATCH: usize = 32;

impl Store {
    /// Takes every idle object out.
    pub(crate) fn take_all(&'static self, fenced: bool) -> Vec<Object> {
        self.take(|slot, taken| {
            if !self.is_known_empty(slot, fenced) {
                if let Some(mut local) = held(slot, fenced) {
                    let capacity = local.capacity();
                    taken.append(&mut self.emptied_to(&mut local, capacity));
                }
            }
        })
    }

    /// Takes every idle object out, and all places of the local stacks: from then on no object enters a stack before the pool runs again, not even
    /// by an exchange that the portable backend has begun before the stop.
    pub(crate) fn take_for_good(&'static self, fenced: bool) -> Vec<Object> {
        self.take(|slot, taken| {
            if let Some(mut local) = held(slot, fenced) {
                taken.append(&mut self.emptied_to(&mut local, 0));
            }
        })
    }

    fn take(&'static self, empty_stack: impl Fn(&'static Slot, &mut Vec<Object>)) -> Vec<Object> {
        let mut taken = Vec::new();
        for slot in self.slots_to_sweep() {
            // The stack before the lists: an object on its way off the stack is in the list once the list's lock is free (invariant 3 of `slot`).
            empty_stack(slot, &mut taken);
            taken.append(&mut emptied(&slot.lists.shared));
            taken.append(&mut emptied(&slot.lists.victims));
        }
        // Objects on the scales are counted here; the thread that weighs them drops them (invariant 3 of `scales`).
        self.sweep_counters.dropped(Reason::Collect, taken.len() + self.scales.pass());
        self.scales.set(0, 0);
        taken
    }

    /// One ageing step: takes the victims out, and makes the idle objects victims. A local stack that no batch has
    /// touched since the last step was larger than its use, and becomes half as large. A default bound follows the number of CPUs.
    pub(crate) fn take_aged(&'static self, fenced: bool) -> Vec<Object> {
        let mut aged = Vec::new();
        for slot in self.slots_to_sweep() {
            let mut stacked = Vec::new();
            // The stack before the lists, as in `take_all`. It is held even if it is empty, for its new capacity.
            if let Some(mut local) = held(slot, fenced) {
                let capacity = local.capacity();
                let target = if slot.local.end_interval() { capacity } else { capacity.div_ceil(2) };
                stacked = self.emptied_to(&mut local, target);
            }
            // The object that was released last goes to the end, where it is acquired first. Shared objects are older than those of the
            // stack, which gives its last object first.
            let mut idle = emptied(&slot.lists.shared);
            idle.extend(stacked.into_iter().rev());
            // Each object keeps its charge. Without the lock, in a forked child, the idle objects are dropped in place of the victims.
            if let Some(mut victims) = locked(&slot.lists.victims) {
                core::mem::swap(&mut *victims, &mut idle);
            }
            aged.append(&mut idle);
        }
        self.sweep_counters.dropped(Reason::Age, aged.len() + self.scales.pass());
        // After the pass, which clears this.
        self.scales.set_due();
        // A smaller default may leave an excess, part of which is in `aged`.
        self.bound.follow_default();
        self.take_excess(fenced, &mut aged);
        aged
    }

    /// Takes out the objects that are above a bound that was lowered.
    pub(crate) fn take_above(&'static self, fenced: bool) -> Vec<Object> {
        let mut taken = Vec::new();
        if self.bound.excess() > 0 {
            self.sweep_counters.dropped(Reason::Collect, self.scales.pass());
            self.take_excess(fenced, &mut taken);
        }
        taken
    }

    /// Takes victims out, so that no more than `budget` of `sum` are left, of each slot the same share: first those that were released first. At
    /// least one, if there is one. The pool may run meanwhile.
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

    /// The weight of the victims that are left since the last step. Objects that have been acquired since count no more.
    pub(crate) fn reckon(&self) -> usize {
        self.scales.reckon(self.slots().map(|slot| slot.lists.victims.len()).sum())
    }

    /// Puts objects onto the scales: a batch of the victims of a slot, from `begin` on. Empty if there are none.
    pub(crate) fn put_on_scales(&'static self, slot: &'static Slot, begin: usize, process: u32) -> Vec<Object> {
        let Some(mut victims) = locked(&slot.lists.victims) else { return Vec::new() };
        let batch = BATCH.min(victims.len().saturating_sub(begin));
        let rest = victims.len() - batch;
        // The last victims take the places of the batch: no more objects move than a batch, however many victims there are.
        for i in 0..batch.min(rest.saturating_sub(begin)) {
            let last = victims.len() - 1 - i;
            victims.swap(begin + i, last);
        }
        self.scales.hold(batch, process);
        // In a child of `fork` no thread has these objects, and their charges are written off.
        self.bound.begin_drops(process, batch);
        victims.drain(rest..).collect()
    }

    /// Puts the objects that were on the scales back to their places, unless others were acquired meanwhile. Returns where the next victims
    /// begin.
    pub(crate) fn put_back(
        &'static self,
        slot: &'static Slot,
        begin: usize,
        weighed: &mut Vec<Object>,
        process: u32,
    ) -> usize {
        // In a child of `fork` the lock may be held for ever, or the charges of these objects be written off. Then they are dropped.
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

    /// Takes out the objects that are above the bound, beside those that are `taken` already: first those that have been idle for long. The
    /// places of local stacks are given up before an object is, and made anew as far as there is room for them.
    fn take_excess(&'static self, fenced: bool, taken: &mut Vec<Object>) {
        // Objects in `taken` stay charged until they are dropped.
        if self.bound.excess() <= taken.len() {
            return;
        }
        let before = taken.len();
        let mut stacks = Vec::new();
        // All stacks first: an empty place may cover the excess, and no object need go.
        for slot in self.slots_to_sweep() {
            if let Some(mut local) = held(slot, fenced) {
                let capacity = local.capacity();
                stacks.push((slot, capacity, self.emptied_to(&mut local, 0)));
            }
        }
        // Then the victims of all slots, then their shared lists, and then the objects of the stacks: those idle for longest come first.
        self.slots_to_sweep().for_each(|slot| self.shed(locked(&slot.lists.victims).as_deref_mut(), taken));
        self.slots_to_sweep().for_each(|slot| self.shed(locked(&slot.lists.shared).as_deref_mut(), taken));
        for (slot, capacity, mut objects) in stacks {
            self.shed(Some(&mut objects), taken);
            // The rest goes to a list: each object has a charge of its own by now, and the stack may have to be smaller. If a forked child
            // does not get the lock, they are dropped.
            match locked(&slot.lists.shared) {
                Some(mut shared) => shared.append(&mut objects),
                None => taken.append(&mut objects),
            }
            // As far as there is room. Objects in `taken` are charged still, so there may be none: then the stack grows at its next batch.
            if let Some(mut local) = held(slot, fenced) {
                let target = capacity.min(self.max_capacity());
                local.grow(self.bound.charge_up_to(target));
            }
        }
        self.sweep_counters.dropped(Reason::Collect, taken.len() - before);
    }

    /// Takes all objects out of a local stack, each with its charge, which comes out of the capacity. The capacity is
    /// then `target`, as far as there is room for it. The pool is stopped and the stack held, so no thread uses a place between the steps.
    fn emptied_to(&self, local: &mut LockedStack<'static>, target: usize) -> Vec<Object> {
        let capacity = local.capacity();
        let objects = local.take_all();
        let rest = capacity - objects.len();
        self.bound.give_back(rest.saturating_sub(target));
        local.set_capacity(rest.min(target) + self.bound.charge_up_to(target.saturating_sub(rest)));
        objects
    }

    /// Moves the objects above the bound from one list to those that are to be dropped.
    fn shed(&self, list: Option<&mut Vec<Object>>, taken: &mut Vec<Object>) {
        let Some(list) = list else { return };
        // Objects in `taken` stay charged until they are dropped.
        let excess = self.bound.excess().saturating_sub(taken.len()).min(list.len());
        if excess > 0 {
            // The first objects go: in a list they have been idle for longest. The others move to memory of their own size.
            let rest = list.split_off(excess);
            taken.append(&mut core::mem::replace(list, rest));
        }
    }

    /// Statistics of one moment. `None` without a fence; in a forked child, if a thread that does not exist holds a lock; and if other
    /// threads make and drop objects all the time.
    ///
    /// The sweep holds all lists at once, and then reads them with the stacks, which no object enters or leaves (invariant 3 of `slot`). So no
    /// object is between two places. A thread that holds a list waits for nothing meanwhile, so the sweep gets each list. The counters only grow,
    /// and are equal before and after: so they had these values at that moment. All of them are Relaxed loads, and a fence (Acquire) has each step
    /// be over before the next begins: to take a lock holds back the accesses after it, and to leave it those before it.
    ///
    /// On the portable backend a thread exchanges the top of a stack without its lock: a thread that has seen the pool run may do so once more. An
    /// object that it takes out cannot come to another place while the lists are held. An object that it puts in was in no place. So no object is
    /// counted twice or passed over.
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

    /// Ends the process if a sequence is still at work on a local stack: if two readings of its words differ.
    pub(crate) fn assert_still(&'static self) {
        if self.tables.area().is_none() {
            return;
        }
        // One list of slots for both readings: a slot that is made between them is no write to a stack.
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

    /// Whether the local stack is empty, and no thread can put an object there before the pool runs.
    fn is_known_empty(&self, slot: &Slot, fenced: bool) -> bool {
        fenced && self.tables.area().is_some() && slot.local.len() == 0
    }
}

/// The hold of a local stack. `None` if there was no fence: sequences may still be at work on it.
fn held(slot: &'static Slot, fenced: bool) -> Option<LockedStack<'static>> {
    if fenced { wait_for(|| slot.local.try_hold()) } else { None }
}

/// The objects of a list, with the list's memory.
fn emptied(list: &'static List) -> Vec<Object> {
    // No lock, and so no store, for an empty list. A sweep that is fenced has seen the slot's stack before, as the look asks.
    if list.is_settled_and_empty() {
        return Vec::new();
    }
    locked(list).map(|mut objects| core::mem::take(&mut *objects)).unwrap_or_default()
}

fn locked(list: &'static List) -> Option<LockedList<'static>> {
    wait_for(|| list.try_lock())
}

/// Tries until a try works. `None` only in a forked child, if none has worked for [`PATIENCE`].
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
