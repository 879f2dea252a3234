//! [`Store`], a pool without its type: the search order of acquire and of release.
//!
//! This code is compiled once, for every pooled type; [`Pool`](crate::Pool) puts the type on top.
//!
//! An acquire looks in the local stack of its slot, in that slot's shared list, in the shared lists of the other slots, beginning with the
//! next, and in the victims in the same order. Then it makes an object. A release goes to the local stack, and if that is full to a
//! shared list. Neither waits: it passes over a lock that is taken. A sweep's work is in `sweep`.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::hint::spin_loop;
use core::ptr;
use core::sync::atomic::Ordering::Relaxed;

use crate::machine::cpus::{self, table_len};
use crate::machine::decision::{area, is_off};
use crate::machine::library::Library;
use crate::machine::threads::{self, note};
use crate::slots::counters::{Counter, Counters, Reason};
use crate::slots::list::{List, LockedList};
use crate::slots::local::Batch;
use crate::slots::object::{Dispose, Object, Weigh};
use crate::slots::slot::Slot;
use crate::slots::table::Tables;
use crate::stats::Stats;
use crate::storage::bound::Bound;
use crate::storage::chaos;
use crate::storage::current::{self, Current};
use crate::storage::life::Life;
use crate::storage::live::{Listed, Live, Place, Registration};
use crate::storage::scales::Scales;
use crate::storage::sweeping::try_lock;
use crate::sync::{AtomicPtr, const_fn};

/// The capacity of a local stack at its first use. It doubles from there on evidence of need.
const FIRST_CAPACITY: usize = if cfg!(pool_loom) { 2 } else { 4 };

/// The rounds in which an acquire looks for an object before it makes one, if in each it has passed over a list that was in another
/// thread's hands. Between them it pauses, for twice as many spins each time: 63 in all, which is 0.3 µs if a spin takes 12
/// cycles, and 4 µs if it takes 140. With two rounds and no pause, two threads that hand objects over made one for 18 of
/// them; see the test `handoff`.
const ROUNDS: usize = if cfg!(pool_loom) { 2 } else { 6 };

/// The largest local stack of a pool whose type gives no size.
pub(crate) const DEFAULT_LOCAL: usize = 32;

/// The largest local stack that a type can ask for: its memory is there from a slot's first use.
const MAX_LOCAL: usize = 4096;

#[repr(C, align(128))]
pub(crate) struct Store {
    /// The slots. Every acquire and release reads them. On the same lines lie fields that a first use and sweeps write.
    pub(crate) tables: Tables,
    /// The pool's place in the list of live pools. A first use writes it; any thread reads it (invariants 1 and 2 of `registry`).
    pub(crate) place: Place<Store>,
    /// The function that drops an object of the pool's type. Never changed, as the next three.
    pub(crate) dispose: Dispose,
    /// The library that the pool is part of.
    library: fn() -> Library,
    /// The largest capacity of a local stack.
    local: usize,
    /// The name, in the library's memory, as the store is.
    own_name: &'static str,
    /// The fields from here on lie on lines that a hit does not read.
    apart: Apart,
    /// The limit and the charge. Any thread charges and gives back, on its slow path (invariant 2 of `bound`).
    pub(crate) bound: Bound,
    /// The counters of sweeps, which add to them under the registry's lock; any thread reads them. Acquires and releases count in their slots.
    pub(crate) sweep_counters: Counters,
    /// The number of sweeps that had no fence, and left the local stacks alone. Written and read as `sweep_counters`.
    pub(crate) unfenced: Counter,
    /// The weight of the idle objects. Written by sweeps and the threads that weigh after them; any thread reads it (invariant 1 of `scales`).
    pub(crate) scales: Scales,
    /// The life that this is the storage of, if the pool is a value and not a static; null otherwise. Written once, before another thread knows of
    /// either.
    pub(super) life: AtomicPtr<Life<Store>>,
}

/// The pools of the process that have been used.
pub(crate) static POOLS: Live<Store> = Live::new();

impl Listed for Store {
    fn place(&self) -> &Place<Self> {
        &self.place
    }

    fn library(&self) -> Library {
        (self.library)()
    }

    fn own_name(&self) -> &'static str {
        self.own_name
    }
}

/// Has the next field begin a line.
#[repr(align(128))]
struct Apart;

impl Store {
    const_fn! {
        pub(crate) const fn new(name: &'static str, dispose: Dispose, library: fn() -> Library) -> Self {
            Self {
                tables: Tables::new(),
                place: Place::new(),
                dispose,
                library,
                local: DEFAULT_LOCAL,
                own_name: name,
                apart: Apart,
                bound: Bound::default_for_machine(),
                sweep_counters: Counters::new(),
                unfenced: Counter::new(),
                scales: Scales::new(),
                life: AtomicPtr::new(ptr::null_mut()),
            }
        }
    }

    const_fn! {
        pub(crate) const fn with_max_idle(mut self, max_idle: usize) -> Self {
            self.bound = Bound::new(max_idle);
            self
        }
    }

    const_fn! {
        pub(crate) const fn with_local(mut self, local: usize) -> Self {
            self.local = if local < MAX_LOCAL { local } else { MAX_LOCAL };
            self
        }
    }

    const_fn! {
        pub(crate) const fn with_weight(mut self, size: usize, weigh: Option<Weigh>) -> Self {
            self.scales = self.scales.with_weight(size, weigh);
            self
        }
    }

    /// The pool's place in the registry, if it has been used.
    pub(crate) fn registration(&self) -> Option<&'static Registration<Self>> {
        self.place.registration()
    }

    /// The pool's name. Once the pool has been used, it lies in memory that stays when the library is unloaded.
    pub(crate) fn name(&self) -> &'static str {
        self.registration().map_or(self.own_name, Registration::name)
    }

    /// Whether pooling is off, for a thread that has an object of the pool: to make it would have started the pool.
    #[inline]
    pub(crate) fn is_off(&self) -> bool {
        !self.tables.is_started()
    }

    /// An object from anywhere but another slot's local stack, if the top of this thread's stack was empty.
    pub(crate) fn find(&'static self) -> Option<Object> {
        current::pop_stacked(&self.tables).or_else(|| self.find_slow())
    }

    /// Puts an object anywhere, if this thread's stack gave it back.
    pub(crate) fn keep(&'static self, object: Object) -> Result<(), (Object, Reason)> {
        current::push_stacked(&self.tables, object).or_else(|object| self.keep_slow(object))
    }

    /// An object for an acquire whose inline attempt has missed, if there was one. `create` makes an object of the pool's type.
    #[cold]
    #[inline]
    pub(crate) fn acquire_out_of_line(&'static self, create: fn() -> Object) -> Object {
        let Some(object) = current::pop_out_of_line(&self.tables) else { return self.acquire_slow(create) };
        self.count_acquire(true);
        object
    }

    /// An idle object for an acquire whose inline attempt has missed, if there was one.
    #[cold]
    pub(crate) fn find_out_of_line(&'static self) -> Option<Object> {
        let found = current::pop_out_of_line(&self.tables).or_else(|| self.find());
        self.count_acquire(found.is_some());
        found
    }

    /// Counts an acquire that got an idle object, or did not. Does nothing without the feature `hits`.
    #[inline]
    pub(crate) fn count_acquire(&'static self, hit: bool) {
        #[cfg(feature = "hits")]
        self.slot_or_make().1.counters.acquired(hit);
        let _ = hit;
    }

    /// An idle object, or the object that `create` makes in its place. Inline, since it is compiled for each closure.
    #[inline]
    pub(crate) fn try_acquire_with<T: Send, E>(
        &'static self,
        create: impl FnOnce() -> Result<T, E>,
    ) -> Result<Object, E> {
        match current::pop_inline(&self.tables) {
            Some(object) => {
                self.count_acquire(true);
                Ok(object)
            }
            None => self.find_or_make(create),
        }
    }

    #[cold]
    #[inline(never)]
    fn find_or_make<T: Send, E>(&'static self, create: impl FnOnce() -> Result<T, E>) -> Result<Object, E> {
        match self.find_out_of_line() {
            Some(object) => Ok(object),
            None => Ok(self.created(Object::from_box(Box::new(create()?)))),
        }
    }

    /// An idle object, if the thread finds one.
    pub(crate) fn try_acquire(&'static self) -> Option<Object> {
        let found = if chaos::fails() { None } else { current::pop(&self.tables).or_else(|| self.find()) };
        self.count_acquire(found.is_some());
        found
    }

    /// An object from anywhere, or a new one, if the top of this thread's stack was empty.
    #[cold]
    fn acquire_slow(&'static self, create: fn() -> Object) -> Object {
        let found = self.find();
        self.count_acquire(found.is_some());
        found.unwrap_or_else(|| self.create(create))
    }

    /// A new object.
    pub(crate) fn create(&'static self, create: fn() -> Object) -> Object {
        self.created(create())
    }

    /// Counts an object that was just made, and gives it back.
    pub(crate) fn created(&'static self, object: Object) -> Object {
        self.slot_or_make().1.counters.created.add(1);
        object
    }

    /// Puts an object onto this thread's stack, or anywhere, or drops it. Returns whether it was kept.
    #[cold]
    #[inline]
    pub(crate) fn release_out_of_line(&'static self, object: Object) -> bool {
        match current::push(&self.tables, object) {
            Ok(()) => true,
            Err(object) => self.keep_or_drop(object),
        }
    }

    /// Puts an object anywhere, or drops it, if this thread's stack gave it back. Returns whether it was kept.
    #[cold]
    pub(crate) fn keep_or_drop(&'static self, object: Object) -> bool {
        match self.keep(object) {
            Ok(()) => true,
            Err((object, reason)) => {
                self.drop_object(object, reason);
                false
            }
        }
    }

    /// Drops an object of this pool.
    #[cold]
    pub(crate) fn drop_object(&'static self, object: Object, reason: Reason) {
        self.slot_or_make().1.counters.dropped(reason, 1);
        self.dispose(object);
    }

    /// Drops an object of this pool, which is counted elsewhere. Runs user code.
    pub(crate) fn dispose(&self, object: Object) {
        // SAFETY: all objects that this store is given are of its pool (invariant 2 of `object`).
        unsafe { (self.dispose)(object) };
    }

    /// The weight of an object of this pool: its size, if the type does not say it. Runs user code.
    pub(crate) fn weigh(&self, object: &Object) -> usize {
        match self.scales.weigh {
            // SAFETY: as for `dispose`.
            Some(weigh) => unsafe { weigh(object) },
            None => self.scales.size,
        }
    }

    /// The search order, from the thread's own slot on. Locks one list at a time, and passes over a list whose lock is taken.
    #[cold]
    fn find_slow(&'static self) -> Option<Object> {
        let (number, slot) = self.slot_or_make();
        if is_off() {
            return None;
        }
        // Once more the local stack: the thread may have come to this slot just now, or the sequence was aborted.
        if let Some(object) = Current::of(slot, &self.tables).and_then(|mut local| local.pop()) {
            return Some(object);
        }
        // Another round if a list was in another thread's hands: it may be free by now, and `new` costs more.
        for round in 0..ROUNDS {
            let mut passed_over = false;
            let mut lock = |list: &'static List| {
                // An empty list costs a load, and no store on a line that other threads use (invariant 4 of `list`).
                if list.len() == 0 {
                    return None;
                }
                let locked = list.try_lock();
                passed_over |= locked.is_none();
                locked
            };
            for other in self.slots_from(number) {
                let Some(mut list) = lock(&other.lists.shared) else { continue };
                // Another thread may have emptied the list between the look and the lock.
                let Some(object) = list.pop() else { continue };
                let is_own = ptr::eq(other, slot);
                // A thief leaves half of the rest to the threads of that slot.
                let most = if is_own { usize::MAX } else { list.len() / 2 };
                // Under the list's lock, so that no sweep misses the batch on its way (invariant 3 of `slot`).
                let moved = self.refill(slot, &mut list, most);
                drop(list);
                // Last: an object keeps its charge until it has left the list (invariant 2 of `bound`). On a stack the capacity is charged.
                self.bound.give_back(1 + moved);
                if moved > 0 {
                    slot.counters.refills.add(1);
                }
                if !is_own {
                    slot.counters.steals.add(1);
                }
                return Some(object);
            }
            // Victims last, so that objects that the program does not need stay victims, and the next ageing step drops them.
            for other in self.slots_from(number) {
                // One at a time: an object that is not acquired stays a victim.
                let Some(mut list) = lock(&other.lists.victims) else { continue };
                let Some(object) = list.pop() else { continue };
                drop(list);
                self.bound.give_back(1);
                return Some(object);
            }
            if !passed_over {
                break;
            }
            (0..1 << round).for_each(|_| spin_loop());
        }
        None
    }

    /// Keeps an object for which the local stack had no place, or gives it back with the reason why it is dropped.
    #[cold]
    fn keep_slow(&'static self, object: Object) -> Result<(), (Object, Reason)> {
        let (number, slot) = self.slot_or_make();
        if is_off() {
            return Err((object, Reason::Off));
        }
        let object = match self.flush(slot, object) {
            Ok(()) => return Ok(()),
            Err(object) => object,
        };
        // Charged before it enters a list (invariant 2 of `bound`).
        if self.bound.charge_up_to(1) == 0 {
            return Err((object, Reason::Bound));
        }
        // The own list first: it may be free by now. Then any list: acquires look in all of them.
        for other in self.slots_from(number) {
            if let Some(mut list) = other.lists.shared.try_lock() {
                list.push(object);
                return Ok(());
            }
        }
        self.bound.give_back(1);
        Err((object, Reason::Busy))
    }

    /// This thread's slot and its number. The slot is made if there is none, and the pool started if this is its first use.
    pub(crate) fn slot_or_make(&'static self) -> (usize, &'static Slot) {
        let number = chaos::slot_number(threads::number);
        let made = self.tables.first_table().and_then(|table| table.get(number));
        let slot = made.unwrap_or_else(|| self.make_slot(number));
        // With sequences each miss comes by here, so a slot is published again soon after a sweep.
        if !self.tables.publish(number, slot) {
            self.come_back();
        }
        (number, slot)
    }

    /// Lets the pool run again if it is stopped and no sweep of this process is at work, which would do it: the pool has left, or a fork
    /// has copied it in the middle of a sweep.
    #[cold]
    fn come_back(&'static self) {
        // The models sweep without the registry's lock, which all models that run side by side would share.
        let is_stopped = !cfg!(pool_loom) && self.tables.is_stopped();
        let Some(registration) = self.registration().filter(|it| is_stopped || it.has_left()) else { return };
        let Some(_no_sweep) = try_lock() else { return };
        // Its pool is dropped: this thread is one of those that were at work in it.
        if self.is_closed() {
            return;
        }
        registration.marked.store(false, Relaxed);
        if self.tables.is_stopped() {
            self.tables.restart();
        }
    }

    #[cold]
    fn make_slot(&'static self, number: usize) -> &'static Slot {
        let off = is_off();
        note(number);
        let table = self.tables.first_table_or_make(table_len());
        // Listed before it is started: a sweep of all pools finds each pool that may have idle objects (invariant 1 of `registry`).
        POOLS.add(self);
        if !off {
            self.tables.start(area());
        }
        table.get_or_make(number, self.local)
    }

    /// Moves a batch of at most `most` objects from a shared list into the local stack, and returns their number. The caller
    /// gives their charges back.
    fn refill(&'static self, slot: &'static Slot, list: &mut LockedList<'_>, most: usize) -> usize {
        // No batch moves if another thread holds the stack, or a sweep has the pool stopped: the caller has its object all the same.
        let Some(mut local) = Current::of(slot, &self.tables) else { return 0 };
        // First, since the batch depends on the capacity: on a new stack it would be zero.
        let same_way = self.resize_for_batch(slot, &mut local, Batch::In);
        let capacity = slot.local.capacity();
        let batch = if same_way { capacity } else { capacity.div_ceil(2) };
        let batch = batch.min(slot.local.room()).min(list.len()).min(most);
        // The objects may lie in the cache of the CPU that released them. The last is fetched first: it is used at once.
        list[list.len() - batch..].iter().rev().for_each(Object::prefetch);
        // With sequences the thread may have another slot by now, with less room: objects that find none stay in the list.
        local.push_many(list, batch)
    }

    /// Puts an object onto a full local stack: the stack grows, or a batch moves to the shared list. Gives the object
    /// back if neither can be.
    fn flush(&'static self, slot: &'static Slot, object: Object) -> Result<(), Object> {
        let Some(mut local) = Current::of(slot, &self.tables) else { return Err(object) };
        // The stack may have room by now, since an acquire has come by or the thread has another slot: that is no batch.
        let same_way = slot.local.is_full() && self.resize_for_batch(slot, &mut local, Batch::Out);
        let object = match local.push(object) {
            Ok(()) => return Ok(()),
            Err(object) => object,
        };
        // The lock comes before the pops: an object on its way from a stack is under the list's lock (invariant 3 of `slot`).
        let Some(mut list) = slot.lists.shared.try_lock() else { return Err(object) };
        let stacked = slot.local.stacked();
        // The charge comes before the pops, too (invariant 2 of `bound`). The capacity that the objects leave stays charged.
        let batch = self.bound.charge_up_to(if same_way { stacked } else { stacked.div_ceil(2) });
        // With sequences the thread may pop from another stack by now, or find fewer objects.
        let moved = local.pop_many(&mut list, batch);
        self.bound.give_back(batch - moved);
        slot.counters.flushes.add((moved > 0).into());
        // Another thread with this number may have filled the places. Then the object goes to a list by itself.
        local.push(object)
    }

    /// Sizes a local stack that a batch is about to enter or to leave (Bonwick's magazines): at its first use, and
    /// then twice as large for each further batch in one ageing interval. `age` halves a stack that no batch has touched.
    ///
    /// Returns whether the last batch went the same way. Then this slot releases objects that others acquire, or acquires objects that
    /// others release, and the whole stack may go at once. Otherwise half of it stays, for the next acquires or releases.
    fn resize_for_batch(&self, slot: &'static Slot, local: &mut Current, batch: Batch) -> bool {
        let before = slot.local.note_batch(batch);
        let capacity = slot.local.capacity();
        let grown = match (capacity, before) {
            (0, _) => FIRST_CAPACITY,
            (_, Some(_)) => 2 * capacity,
            (_, None) => capacity,
        };
        // Most stacks are as large as they get. This finds it out without the division of `max_capacity`.
        let grown = grown.min(self.local);
        if grown > capacity {
            let more = grown.min(self.max_capacity()).saturating_sub(capacity);
            // Charged before the capacity grows (invariant 2 of `bound`). With sequences it may grow by less, or not at all: the thread has
            // another slot by now, or another thread has let the stack grow.
            let charged = self.bound.charge_up_to(more);
            self.bound.give_back(charged - local.grow(charged));
        }
        before == Some(batch)
    }

    /// The largest capacity of a local stack: all of them together take up half of the bound at the most.
    pub(crate) fn max_capacity(&self) -> usize {
        self.local.min(self.bound.max() / (2 * cpus::slots()))
    }

    /// Whether an object released by this thread now would be kept.
    pub(crate) fn has_room(&'static self) -> bool {
        let local = &self.slot_or_make().1.local;
        !is_off() && (self.bound.available() > 0 || local.len() < local.capacity())
    }

    pub(crate) fn idle(&self) -> usize {
        self.slots().map(Slot::idle).sum::<usize>() + self.scales.held()
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.counted();
        for slot in self.slots() {
            slot.add_idle_to(&mut stats);
        }
        stats.add_held(self.scales.held());
        stats.balance();
        stats
    }

    /// The counters; the gauges are zero.
    pub(crate) fn counted(&self) -> Stats {
        let mut stats = Stats {
            name: self.name().into(),
            max_idle: self.bound.max(),
            idle_bytes: self.scales.idle_bytes(),
            unfenced: self.unfenced.get(),
            ..Stats::default()
        };
        self.sweep_counters.add_to(&mut stats);
        self.slots().for_each(|slot| slot.counters.add_to(&mut stats));
        stats
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = &'static Slot> {
        self.slots_from(0)
    }

    /// Every slot, beginning with this number and going round.
    fn slots_from(&self, number: usize) -> impl Iterator<Item = &'static Slot> {
        self.tables.first_table().into_iter().flat_map(move |table| table.slots_from(number))
    }
}
