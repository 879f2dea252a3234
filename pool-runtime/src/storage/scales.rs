//! [`Scales`], what the idle objects of a pool weigh, and those of them that are on the scales at this moment.
//!
//! An ageing step has all idle objects of a pool become victims. To ask them for their weight is user code, which runs under no lock. So they
//! are taken out of the list of victims, a few at a time, asked, and put back.
//!
//! # Invariants
//!
//! 1. Everything here is changed under the registry's lock.
//! 2. An object on the scales is a victim: it is charged to the bound, and counted as idle.
//! 3. A sweep that *passes* takes what is on the scales, too: it counts those objects among what it drops, and moves the number of passes on.
//!    The thread that weighs them finds another number, and drops them in place of that sweep. So nothing that was idle when a `collect` began is put back.
//! 4. Those of a thread that a forked child does not have are lost to it, as what a sweep was about to drop. In the child they are not idle, and its first
//!    sweep counts them among what it drops.
//!
//! # Orderings
//!
//! `Relaxed`: the lock orders the changes, and readers without it get a number.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

use crate::machine::process;
use crate::slots::object::Weigh;

pub(crate) struct Scales {
    /// What an object takes up in its box.
    pub(crate) size: usize,
    /// `None` where the type does not say what else.
    pub(crate) weigh: Option<Weigh>,
    /// How many sweeps have passed.
    passes: AtomicUsize,
    /// An ageing step was the last to pass, and what it has left is to be weighed.
    due: AtomicBool,
    /// How many objects are on the scales.
    held: AtomicUsize,
    /// The process whose thread has put them there.
    process: AtomicU32,
    /// What all weighed together at the last step.
    bytes: AtomicUsize,
    /// How many these were.
    objects: AtomicUsize,
}

/// Of a pool that has not been weighed.
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

    /// How many objects are on the scales, of a thread that this process has (invariant 4).
    pub(crate) fn held(&self) -> usize {
        let held = self.held.load(Relaxed);
        if held > 0 && self.process.load(Relaxed) == process::current() { held } else { 0 }
    }

    /// Sets how many objects are on the scales, of a thread of this process.
    pub(crate) fn hold(&self, objects: usize, process: u32) {
        self.process.store(process, Relaxed);
        self.held.store(objects, Relaxed);
    }

    /// What the idle objects weighed at the last step, if that is known.
    pub(crate) fn idle_bytes(&self) -> Option<usize> {
        let bytes = self.bytes.load(Relaxed);
        (self.weigh.is_some() && bytes != UNKNOWN).then_some(bytes)
    }

    /// Takes away what is there no more, if so many victims are left, and says what these weigh. What does not say its weight counts with its
    /// size.
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

    /// A sweep passes (invariant 3). Returns how many objects are its own to count.
    pub(crate) fn pass(&self) -> usize {
        self.passes.fetch_add(1, Relaxed);
        self.due.store(false, Relaxed);
        self.held.swap(0, Relaxed)
    }

    /// The number of passes.
    pub(crate) fn passes(&self) -> usize {
        self.passes.load(Relaxed)
    }

    /// What the sweep that has passed leaves is to be weighed.
    pub(crate) fn set_due(&self) {
        self.due.store(self.weigh.is_some(), Relaxed);
    }

    /// Whether there is something to weigh; asked once.
    pub(crate) fn take_due(&self) -> bool {
        self.due.swap(false, Relaxed)
    }

    /// Sets what all idle objects weigh, and how many they are.
    pub(crate) fn set(&self, bytes: usize, objects: usize) {
        self.bytes.store(bytes.min(UNKNOWN - 1), Relaxed);
        self.objects.store(objects, Relaxed);
    }

    /// Takes away what was weighed before, and was dropped.
    pub(crate) fn lighten(&self, bytes: usize, objects: usize) {
        if let Some(before) = self.idle_bytes() {
            self.set(before.saturating_sub(bytes), self.objects.load(Relaxed).saturating_sub(objects));
        }
    }
}
