//! [`List`], idle objects that every thread may take: a slot's shared overflow, and its victims.
//!
//! # Invariants
//!
//! 1. Acquire and release take the lock with `try_lock` only. A sweep waits for it.
//! 2. No user code runs under the lock: objects are moved, never dropped there.
//! 3. Each object in a list is charged to the pool's bound.
//! 4. `len` is the length as the last holder left it. A thread that reads zero passes by and stores nothing (golang/go#80486).
//!
//! # Orderings
//!
//! `len` is `Relaxed`: it is a hint, and the mutex orders the objects. A thread that has been told of a release (joined
//! the thread, received a message) reads the length as of then or newer, by coherence. A sweep must not be misled by it, and reads
//! it behind a fence ([`is_settled_and_empty`](List::is_settled_and_empty)).

use core::ops::{Deref, DerefMut};
use core::sync::atomic::Ordering::{Acquire, Relaxed};

use crate::slots::object::Object;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, fence};

pub(crate) struct List {
    /// The number of `objects`. The lock's holder stores it as it leaves; any thread reads it, without the lock (invariant 4).
    len: AtomicUsize,
    /// Read and changed by the lock's holder alone (invariants 1 to 3). An acquire takes from the end.
    objects: Mutex<Vec<Object>>,
}

impl List {
    pub(crate) fn new() -> Self {
        Self { len: AtomicUsize::new(0), objects: Mutex::new(Vec::new()) }
    }

    /// The number of objects here, at a moment that has passed by now.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Whether the list is empty, and no thread is about to add an object that it has taken off a stack: that thread would have the lock.
    ///
    /// The caller must have seen the stack without the object: then it sees the lock taken, too, or left.
    pub(crate) fn is_settled_and_empty(&self) -> bool {
        if self.objects.is_locked() {
            return false;
        }
        // Acquire: `is_locked` is a Relaxed load, and pairs by this with the Release that the last holder left the lock with. So
        // the length is that holder's or newer.
        fence(Acquire);
        self.len() == 0
    }

    /// Takes the lock, if it is free.
    pub(crate) fn try_lock(&self) -> Option<LockedList<'_>> {
        self.objects.try_lock().map(|objects| LockedList { len: &self.len, objects })
    }
}

/// The holder of a [`List`]'s lock.
pub(crate) struct LockedList<'a> {
    len: &'a AtomicUsize,
    objects: MutexGuard<'a, Vec<Object>>,
}

impl Deref for LockedList<'_> {
    type Target = Vec<Object>;

    fn deref(&self) -> &Vec<Object> {
        &self.objects
    }
}

impl DerefMut for LockedList<'_> {
    fn deref_mut(&mut self) -> &mut Vec<Object> {
        &mut self.objects
    }
}

impl Drop for LockedList<'_> {
    fn drop(&mut self) {
        self.len.store(self.objects.len(), Relaxed);
    }
}
