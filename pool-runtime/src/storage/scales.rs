//! [`Scales`], the weight of a pool's idle objects, and the number of those that are *on the scales*: out of their list, to be weighed.
//!
//! An ageing step has all idle objects of a pool become victims. User code says how much an object weighs, and runs under no lock. So a thread
//! takes victims out of their list, a few at a time, asks them, and puts them back.
//!
//! # Invariants
//!
//! 1. Everything here is changed under the registry's lock, but that [`lighten`](Scales::lighten) takes dropped objects off without it.
//! 2. An object on the scales is a victim: it is charged to the bound, and counted as idle.
//! 3. A sweep that *passes* takes the objects on the scales, too: it counts them among those that it drops, and moves the number of passes on.
//!    The thread that weighs them finds another number, and drops them in place of that sweep. So no object that was idle when a `collect`
//!    began is put back.
//! 4. A forked child loses the objects on the scales if it does not have the thread that weighs them, as it loses those that a sweep was about
//!    to drop. In the child they are not idle, and its first sweep counts them among those that it drops.
//!
//! # Orderings
//!
//! `Relaxed`: the lock orders the changes, and readers without it get a number.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

use crate::machine::process;
use crate::slots::object::Weigh;

pub(crate) struct Scales {
    /// The bytes of an object in its box. Never changed.
    pub(crate) size: usize,
    /// The function that asks an object for its weight; `None` if the type has none. Never changed.
    pub(crate) weigh: Option<Weigh>,
    /// The number of sweeps that have passed. A sweep adds to it and the thread that weighs reads it, under the lock (invariants 1 and 3).
    passes: AtomicUsize,
    /// An ageing step was the last to pass, and the objects that it has left are to be weighed. That step sets it, the next pass or the thread
    /// that goes to weigh clears it, under the lock (invariant 1).
    due: AtomicBool,
    /// The number of objects on the scales. The thread that weighs stores it, and a sweep that passes swaps it for zero, under the lock
    /// (invariants 1 and 3). Statistics read it without.
    held: AtomicUsize,
    /// The process whose thread has put them there (invariant 4). The thread that weighs stores it before `held`; it is read after `held`.
    process: AtomicU32,
    /// The weight of all idle objects at the last step, without those dropped since. Sweeps and the thread that weighs write it under the lock,
    /// a thread that drops victims for their weight without it (invariant 1). Any thread reads it.
    bytes: AtomicUsize,
    /// The number of objects that `bytes` is the weight of. Written as `bytes`; read by the threads that write it.
    objects: AtomicUsize,
}

/// The weight of a pool that has not been weighed.
const UNKNOWN: usize = usize::MAX;

impl Scales {
    pub(crate) const fn new() -> Self {
        Self {
            size: 0,
            weigh: None,
            passes: AtomicUsize::new(0),
            due: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            process: AtomicU32::new(0),
            bytes: AtomicUsize::new(UNKNOWN),
            objects: AtomicUsize::new(0),
        }
    }

    pub(crate) const fn with_weight(mut self, size: usize, weigh: Option<Weigh>) -> Self {
        self.size = size;
        self.weigh = weigh;
        self
    }

    /// Makes it as new: no object has been weighed. The number of passes goes on.
    pub(crate) fn renew(&self) {
        self.pass();
        self.bytes.store(UNKNOWN, Relaxed);
        self.objects.store(0, Relaxed);
    }

    /// The number of objects on the scales, if this process has the thread that weighs them (invariant 4).
    pub(crate) fn held(&self) -> usize {
        let held = self.held.load(Relaxed);
        if held > 0 && self.process.load(Relaxed) == process::current() { held } else { 0 }
    }

    /// Sets the number of objects on the scales, for a thread of this process.
    pub(crate) fn hold(&self, objects: usize, process: u32) {
        self.process.store(process, Relaxed);
        self.held.store(objects, Relaxed);
    }

    /// The weight of the idle objects at the last step, if that is known.
    pub(crate) fn idle_bytes(&self) -> Option<usize> {
        let bytes = self.bytes.load(Relaxed);
        (self.weigh.is_some() && bytes != UNKNOWN).then_some(bytes)
    }

    /// Takes off the share of the objects that are victims no more, if this number of victims is left. Returns the weight of those that are. An
    /// object whose type does not say its weight counts with its size.
    pub(crate) fn reckon(&self, victims: usize) -> usize {
        let Some(bytes) = self.idle_bytes() else {
            return if self.weigh.is_none() { self.size.saturating_mul(victims) } else { 0 };
        };
        let objects = self.objects.load(Relaxed);
        if victims >= objects {
            return bytes;
        }
        let left = (bytes as u128 * victims as u128 / objects as u128) as usize;
        self.set(left, victims);
        left
    }

    /// Notes that a sweep passes (invariant 3). Returns the number of objects on the scales, which are the sweep's to count.
    pub(crate) fn pass(&self) -> usize {
        self.passes.fetch_add(1, Relaxed);
        self.due.store(false, Relaxed);
        self.held.swap(0, Relaxed)
    }

    /// The number of passes.
    pub(crate) fn passes(&self) -> usize {
        self.passes.load(Relaxed)
    }

    /// Notes that the objects that the sweep leaves are to be weighed.
    pub(crate) fn set_due(&self) {
        self.due.store(self.weigh.is_some(), Relaxed);
    }

    /// Whether there are objects to weigh. Only the first call after a step says so.
    pub(crate) fn take_due(&self) -> bool {
        self.due.swap(false, Relaxed)
    }

    /// Sets the weight and the number of all idle objects.
    pub(crate) fn set(&self, bytes: usize, objects: usize) {
        self.bytes.store(bytes.min(UNKNOWN - 1), Relaxed);
        self.objects.store(objects, Relaxed);
    }

    /// Takes off the weight and the number of objects that were weighed before, and dropped.
    pub(crate) fn lighten(&self, bytes: usize, objects: usize) {
        if let Some(before) = self.idle_bytes() {
            self.set(before.saturating_sub(bytes), self.objects.load(Relaxed).saturating_sub(objects));
        }
    }
}
