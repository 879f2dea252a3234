//! The objects that a sweep has taken out of the pools, on their way to be weighed and dropped. User code runs here, and so without the right
//! to sweep (invariants 3 and 6 of `registry`).

use core::any::Any;
use core::mem;
use core::sync::atomic::Ordering::{Relaxed, Release};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crate::machine::process;
use crate::slots::counters::Reason;
use crate::slots::object::Object;
use crate::storage::life::Life;
use crate::storage::live::Registration;
use crate::storage::store::Store;
use crate::storage::sweeping::lock;

/// The sum of the objects that sweeps have dropped.
#[derive(Default)]
pub(crate) struct Swept {
    pub(crate) objects: usize,
    pub(crate) bytes: usize,
    /// The first panic of user code.
    panic: Option<Box<dyn Any + Send>>,
}

impl Swept {
    /// Lets a panic of user code go on, now that all objects are dropped. Not while another panic unwinds the thread: two would end the process.
    pub(crate) fn go_on(self) {
        match self.panic {
            Some(payload) if thread::panicking() => mem::forget(payload),
            Some(payload) => resume_unwind(payload),
            None => {}
        }
    }

    /// The sum of both.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.objects += other.objects;
        self.bytes = self.bytes.saturating_add(other.bytes);
        match self.panic {
            None => self.panic = other.panic,
            // The drop of a payload may panic in its turn.
            Some(_) => mem::forget(other.panic),
        }
        self
    }

    /// Hands a storage over that the calling thread has alone. No lock is held: the drop of the hooks is user code.
    pub(crate) fn hand_over(&mut self, life: &'static Life<Store>) {
        self.run(|| life.drop_hooks());
        life.hand_over();
    }

    /// Runs user code. The lock is not held. `None` if it panics.
    pub(crate) fn run<R>(&mut self, code: impl FnOnce() -> R) -> Option<R> {
        match catch_unwind(AssertUnwindSafe(code)) {
            Ok(result) => Some(result),
            Err(payload) => {
                match self.panic {
                    None => self.panic = Some(payload),
                    // The drop of a payload may panic in its turn.
                    Some(_) => mem::forget(payload),
                }
                None
            }
        }
    }

    /// Weighs and drops an object of this store, as this process. The lock is not held.
    fn drop_object(&mut self, store: &Store, object: Object, process: u32) {
        let weight = self.run(|| store.weigh(&object));
        self.drop_weighed(store, object, weight.unwrap_or_default(), process);
    }

    /// Drops an object of this store. The lock is not held.
    fn drop_weighed(&mut self, store: &Store, object: Object, weight: usize, process: u32) {
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(weight);
        self.run(|| store.dispose(object));
        // Not before: until now the object took up memory (invariant 1 of `bound`).
        store.bound.end_drop(process);
    }
}

/// The objects that a sweep has taken out of a pool, and that its thread is about to drop; and whether it then weighs the objects that are left.
pub(crate) struct Pending {
    pub(crate) registration: &'static Registration<Store>,
    objects: Vec<Object>,
    /// The process that drops them, for the bound.
    process: u32,
    /// The number of passes at which the objects that are left are to be weighed. Another sweep moves the number on.
    weigh: Option<usize>,
    /// The sweep is at work in the storage of a pool that may be dropped meanwhile.
    inside: Option<Inside>,
}

impl Pending {
    /// `None` if there is no object to drop or to weigh. The lock is held.
    pub(crate) fn new(store: &'static Store, objects: Vec<Object>) -> Option<Self> {
        let weigh = store.scales.take_due().then(|| store.scales.passes());
        // A pool that was never used has no object.
        let registration = store.registration().filter(|_| weigh.is_some() || !objects.is_empty())?;
        let process = process::current();
        // A count that a forked child has from its parent is of threads that it does not have.
        if registration.pending_in.load(Relaxed) != process {
            registration.pending.store(0, Relaxed);
            registration.pending_in.store(process, Relaxed);
        }
        registration.pending.fetch_add(1, Relaxed);
        store.bound.begin_drops(process, objects.len());
        Some(Self { registration, objects, weigh, process, inside: Inside::enter(store) })
    }

    /// Ends the work in the pool, which may have been dropped meanwhile. The lock is not held: user code runs.
    pub(crate) fn end(mut self, swept: &mut Swept) {
        if let Some(inside) = self.inside.take() {
            inside.end(swept);
        }
        // Only now is it no longer pending: a library that is unloaded waits until no thread is at work in its pools.
    }

    /// Drops the objects. The lock is not held: user code runs.
    pub(crate) fn drop_objects(&mut self, swept: &mut Swept) {
        mem::take(&mut self.objects)
            .into_iter()
            .for_each(|object| swept.drop_object(self.registration.store, object, self.process));
    }

    /// Weighs the idle objects, until another sweep passes. The lock is not held: user code runs.
    fn weigh_rest(&self, swept: &mut Swept) {
        let (store, Some(passes)) = (self.registration.store, self.weigh) else { return };
        let is_ours = || store.scales.passes() == passes;
        let (mut bytes, mut objects) = (0_usize, 0);
        for slot in store.slots() {
            let mut begin = 0;
            // The objects on the scales: those that have been weighed, and those whose `weigh` has panicked.
            let (mut weighed, mut refused) = (Vec::new(), Vec::new());
            loop {
                let batch = {
                    let _one_at_a_time = lock();
                    // If another sweep has passed, the objects are that sweep's to count (invariant 3 of `scales`).
                    let batch = is_ours().then(|| {
                        store.sweep_counters.dropped(Reason::Panic, refused.len());
                        store.scales.hold(0, self.process);
                        begin = store.put_back(slot, begin, &mut weighed, self.process);
                        store.sweep_counters.dropped(Reason::Collect, weighed.len());
                        store.put_on_scales(slot, begin, self.process)
                    });
                    refused.append(&mut weighed);
                    batch
                };
                refused.drain(..).for_each(|object| swept.drop_weighed(store, object, 0, self.process));
                let Some(batch) = batch else { return };
                if batch.is_empty() {
                    break;
                }
                for object in batch {
                    match swept.run(|| store.weigh(&object)) {
                        Some(weight) => {
                            bytes = bytes.saturating_add(weight);
                            objects += 1;
                            weighed.push(object);
                        }
                        None => refused.push(object),
                    }
                }
            }
        }
        let _one_at_a_time = lock();
        if is_ours() {
            store.scales.set(bytes, objects);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Not in a child that was forked meanwhile: there this thread is not among those counted.
        if self.process == process::current() {
            // Release: pairs with `is_pending`.
            self.registration.pending.fetch_sub(1, Release);
        }
    }
}

/// Drops the objects that were taken out, and weighs those that are to be weighed. The lock is not held: user code runs.
pub(crate) fn drop_all(taken: impl IntoIterator<Item = Pending>) -> Swept {
    let mut swept = Swept::default();
    for mut pending in taken {
        pending.drop_objects(&mut swept);
        pending.weigh_rest(&mut swept);
        pending.end(&mut swept);
    }
    swept
}

/// A thread at work in the storage of a pool that is a value, and may be dropped meanwhile (invariant 1 of `life`).
pub(crate) struct Inside(&'static Store, &'static Life<Store>);

impl Inside {
    /// `None` if the pool is a static, or dropped.
    pub(crate) fn enter(store: &'static Store) -> Option<Self> {
        store.life().filter(|life| life.enter()).map(|life| Self(store, life))
    }

    /// Lets the thread out. If it is the last in a dropped pool it settles the pool, and so runs user code. No lock is held.
    pub(crate) fn end(self, swept: &mut Swept) {
        let Self(store, life) = self;
        mem::forget(self);
        if life.exit() {
            // A thread that was at work when the pool was dropped may have put an object into a list since.
            store.take_for_good(false).into_iter().for_each(|object| {
                let _ = swept.run(|| store.dispose(object));
            });
            let mut counted = store.counted();
            counted.balance();
            if life.settle(counted.in_use) {
                swept.hand_over(life);
            }
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut swept = Swept::default();
        Self(self.0, self.1).end(&mut swept);
        swept.go_on();
    }
}

/// A guard's drop that was not let in, since the pool is dropped: its thread is the last user of the storage, or leaves it to the others.
pub(crate) struct Outside(pub(crate) &'static Life<Store>);

impl Drop for Outside {
    fn drop(&mut self) {
        if self.0.leave() {
            let mut swept = Swept::default();
            swept.hand_over(self.0);
            swept.go_on();
        }
    }
}
