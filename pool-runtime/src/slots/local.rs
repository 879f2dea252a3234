//! [`LocalStack`], the bounded stack of one slot, for the threads that have the slot's number.
//!
//! Its top is a word of its own, as in Go's pool of 2013. The objects below the top lie in an array.
//!
//! Two kinds of thread use it. On restartable sequences a thread pops and pushes in a sequence (`sequence`), which ends if the
//! thread loses the slot's number, and a sweep comes when no sequence can be at work. On the portable backend a thread exchanges the
//! top atomically, and takes a one-byte try-lock for the array: so a thread that has one object at a time is never preempted with
//! the lock. A thread that finds the lock taken goes to the shared lists. Only a sweep waits for it.
//!
//! | `top` | is | goes to | by |
//! |---|---|---|---|
//! | `CLOSED` | no place for an object: the capacity is zero | null | growth; a sweep that puts capacity back |
//! | null | an empty place | an object | a push |
//! | an object | owned by the stack | null | a pop |
//! | null, an object | | `CLOSED` | a sweep, which takes the object |
//!
//! # Invariants
//!
//! 1. `stacked`, `stack_limit` and `objects` are written by the holder of the lock (a [`LockedStack`]) or by a sequence. Statistics read `stacked`.
//! 2. `objects[..stacked]` own their objects. An entry above `stacked` is stale: the object that it names has another owner. An address in
//!    `top` owns its object until a thread exchanges it: from then on that thread does.
//! 3. The capacity is `stack_limit`, and one more for a top that is not `CLOSED`. It is charged to the pool's bound, and no more objects
//!    lie here. `stack_limit <= objects.len()`. Only the holder of the lock closes the top.
//! 4. No user code runs under the lock: its holder moves pointers.
//!
//! # Orderings
//!
//! The top is filled with `Release` and emptied with `Acquire`. The lock is taken with `Acquire` and left with `Release`, so its
//! holder sees what every holder before it did, by `Relaxed` accesses. These edges also put the reset of a released object before
//! its next use.
//!
//! `stacked` is stored with `Release`, after the entry that it covers. A child of `fork` gets memory as another CPU left it in the middle
//! of a push, and must not find a length that covers an entry not yet written.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::iter::from_fn;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::slots::object::Object;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, const_fn};

#[repr(C, align(128))]
pub(crate) struct LocalStack {
    /// `CLOSED`, null or an object (invariant 2). While the pool runs, sequences of threads with the slot's number store to it; on the portable
    /// backend threads exchange it, without the lock. A sweep that holds the lock closes it (invariant 3). Statistics read it.
    pub(crate) top: AtomicPtr<()>,
    /// The number of objects in `objects`. Sequences and the lock's holder write it (invariant 1). Any thread reads it, and without the lock
    /// takes it for a guess.
    pub(crate) stacked: AtomicUsize,
    /// The number of objects that may be in `objects`. Written and read as `stacked` (invariant 1). It grows after the bound was charged, in
    /// `resize_for_batch` or a sweep. It shrinks in a sweep, which holds the lock until the bound has the charge back (invariant 3).
    pub(crate) stack_limit: AtomicUsize,
    /// The try-lock, taken by acquires and releases on the portable backend, and by sweeps on either. No sequence reads it.
    held: AtomicBool,
    /// The last [`Batch`] since the last ageing step, or zero. Any thread that moves a batch reads and stores it, and an ageing step clears it.
    /// A lost store does no harm: if there was a batch, the stack is smaller than its use.
    last_batch: AtomicU8,
    /// The array, right behind the slot in the same allocation: sequences find it there. Sequences and the lock's holder read and write its
    /// entries (invariants 1 and 2); the reference never changes.
    objects: &'static [Line],
}

/// The way that a batch goes between a local stack and a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Batch {
    /// A refill.
    In = 1,
    /// A flush.
    Out,
}

/// The entries that lie on 128 bytes if a pointer has 8, on 256 bytes on s390x: no line is shared with another CPU's stack.
#[repr(C, align(128))]
#[cfg_attr(target_arch = "s390x", repr(align(256)))]
#[derive(Default)]
pub(crate) struct Line([AtomicPtr<()>; LINE]);
const LINE: usize = if cfg!(target_arch = "s390x") { 32 } else { 16 };

/// The beginning of a [`LocalStack`] that is closed and has no room. It stands in for a stack that has not been made, and is
/// never written.
#[repr(C)]
pub(crate) struct Closed {
    top: AtomicPtr<()>,
    stacked: AtomicUsize,
    stack_limit: AtomicUsize,
}

impl Closed {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { top: AtomicPtr::new(CLOSED), stacked: AtomicUsize::new(0), stack_limit: AtomicUsize::new(0) }
        }
    }
}

/// The state of a top that takes no object. No object has this address.
pub(crate) const CLOSED: *mut () = ptr::without_provenance_mut(usize::MAX);

impl LocalStack {
    /// The number of lines of a stack that can grow to `local` objects, of which one is in the top.
    pub(crate) fn lines_for(local: usize) -> usize {
        local.saturating_sub(1).div_ceil(LINE)
    }

    /// An empty stack of capacity zero, which can grow to the entries of these lines and the top.
    pub(crate) fn new(objects: &'static [Line]) -> Self {
        Self {
            top: AtomicPtr::new(CLOSED),
            stacked: AtomicUsize::new(0),
            stack_limit: AtomicUsize::new(0),
            held: AtomicBool::new(false),
            last_batch: AtomicU8::new(0),
            objects,
        }
    }

    /// Takes the object out of the top. Stores nothing if there is none.
    #[inline]
    pub(crate) fn take_top(&self) -> Option<Object> {
        let top = self.top.load(Relaxed);
        if top.is_null() || top == CLOSED {
            return None;
        }
        // Acquire: pairs with `fill_top`. Not a swap, which could open a top that was closed meanwhile. The exchange may succeed although
        // this object has left and come back: it is here now, and that is all that counts.
        self.top.compare_exchange(top, ptr::null_mut(), Acquire, Relaxed).ok()?;
        // SAFETY: an address in `top` owns its object, and the exchange took it out (invariant 2).
        unsafe { Object::from_raw(top) }
    }

    /// Puts an object into the top, or gives it back if an object is there or the top is closed.
    #[inline]
    pub(crate) fn fill_top(&self, object: Object) -> Result<(), Object> {
        let pointer = object.into_raw();
        // Release: pairs with `take_top` and `take_all`.
        match self.top.compare_exchange(ptr::null_mut(), pointer, Release, Relaxed) {
            Ok(_) => Ok(()),
            // SAFETY: the exchange failed, so the pointer that was just made of the object still owns it.
            Err(_) => unsafe { Object::from_raw(pointer) }.map_or(Ok(()), Err),
        }
    }

    /// Takes the lock, if it is free.
    #[inline]
    pub(crate) fn try_hold(&self) -> Option<LockedStack<'_>> {
        // Acquire: pairs with the store of the last `LockedStack`: we see the stack as it was left.
        self.held.compare_exchange(false, true, Acquire, Relaxed).is_ok().then(|| LockedStack(self))
    }

    /// The number of objects below the top, at a moment that has passed by now.
    #[inline]
    pub(crate) fn stacked(&self) -> usize {
        self.stacked.load(Relaxed)
    }

    /// The number of objects here, at moments that have passed by now.
    pub(crate) fn len(&self) -> usize {
        let top = self.top.load(Relaxed);
        self.stacked() + usize::from(!top.is_null() && top != CLOSED)
    }

    /// The number of objects that may lie here, at moments that have passed by now.
    pub(crate) fn capacity(&self) -> usize {
        self.stack_limit() + usize::from(self.is_open())
    }

    /// The number of objects that may still come below the top.
    pub(crate) fn room(&self) -> usize {
        self.stack_limit().saturating_sub(self.stacked())
    }

    /// The number of objects that may lie below the top, at a moment that has passed by now.
    pub(crate) fn stack_limit(&self) -> usize {
        self.stack_limit.load(Relaxed)
    }

    /// The largest value of `stack_limit`.
    pub(crate) fn most_limit(&self) -> usize {
        LINE * self.lines()
    }

    pub(crate) fn lines(&self) -> usize {
        self.objects.len()
    }

    /// The words that a sequence writes, without the entries.
    pub(crate) fn words(&self) -> (*mut (), usize, usize) {
        (self.top.load(Relaxed), self.stacked(), self.stack_limit())
    }

    /// Whether the stack had no place for an object, at a moment that has passed by now.
    pub(crate) fn is_full(&self) -> bool {
        self.room() == 0 && !self.top.load(Relaxed).is_null()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.top.load(Relaxed) != CLOSED
    }

    /// Notes that a batch comes or goes. Returns the way of the batch before it in this ageing interval.
    pub(crate) fn note_batch(&self, batch: Batch) -> Option<Batch> {
        let before = self.last_batch.load(Relaxed);
        self.last_batch.store(batch as u8, Relaxed);
        [Batch::In, Batch::Out].into_iter().find(|&batch| batch as u8 == before)
    }

    /// Begins a new ageing interval. Returns whether a batch came or went in the last.
    pub(crate) fn end_interval(&self) -> bool {
        let batched = self.last_batch.load(Relaxed) != 0;
        self.last_batch.store(0, Relaxed);
        batched
    }

    fn entry(&self, number: usize) -> Option<&AtomicPtr<()>> {
        self.objects.get(number / LINE).map(|line| &line.0[number % LINE])
    }
}

/// The holder of a [`LocalStack`]'s lock.
pub(crate) struct LockedStack<'a>(&'a LocalStack);

impl LockedStack<'_> {
    /// Takes the last object below the top.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Object> {
        let last = self.stacked().checked_sub(1)?;
        let object = self.0.entry(last)?.load(Relaxed);
        self.0.stacked.store(last, Release);
        // SAFETY: the entry owned its object (invariant 2) and is stale since `stacked` was lowered, so it is taken out
        // once; only the lock's holder changes either (invariant 1).
        unsafe { Object::from_raw(object) }
    }

    /// Puts an object below the top, or gives it back if there is no room.
    #[inline]
    pub(crate) fn push(&mut self, object: Object) -> Result<(), Object> {
        if self.room() == 0 {
            return Err(object);
        }
        let len = self.stacked();
        let Some(entry) = self.0.entry(len) else { return Err(object) };
        entry.store(object.into_raw(), Relaxed);
        // Release: a child that is forked in the middle of this finds no length that covers an entry not yet written.
        self.0.stacked.store(len + 1, Release);
        Ok(())
    }

    #[inline]
    pub(crate) fn stacked(&self) -> usize {
        self.0.stacked()
    }

    /// The number of objects that may still come below the top.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.0.room()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Lets as many more objects lie here; the caller has charged them.
    pub(crate) fn grow(&mut self, more: usize) {
        self.set_capacity(self.capacity() + more);
    }

    /// Changes the capacity, and opens the top if the capacity was zero. The caller has charged the difference if it grows. To lower the
    /// capacity, [`take_all`](Self::take_all) comes first.
    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        let limit = capacity.saturating_sub(1);
        debug_assert!(self.stacked() <= limit && limit <= self.0.most_limit(), "invariant 3");
        self.0.stack_limit.store(limit, Relaxed);
        if capacity > 0 {
            // Relaxed: the next thread that fills the top needs none of our stores.
            let _ = self.0.top.compare_exchange(CLOSED, ptr::null_mut(), Relaxed, Relaxed);
        }
    }

    /// Takes all objects and closes the top; [`set_capacity`](Self::set_capacity) must follow.
    pub(crate) fn take_all(&mut self) -> Vec<Object> {
        // Acquire: pairs with `fill_top`.
        let top = self.0.top.swap(CLOSED, Acquire);
        // SAFETY: an address in `top` owns its object, and the swap took it out (invariant 2).
        let top = if top == CLOSED { None } else { unsafe { Object::from_raw(top) } };
        from_fn(|| self.pop()).chain(top).collect()
    }
}

impl Drop for LockedStack<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the exchange of the next `LockedStack`.
        self.0.held.store(false, Release);
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    fn object(number: usize) -> Object {
        Object::from_box(Box::new(number))
    }

    fn number(object: Object) -> usize {
        // SAFETY: every object in these tests is a box of a number.
        *unsafe { object.into_box() }
    }

    fn empty(local: usize) -> LocalStack {
        LocalStack::new(Box::leak((0..LocalStack::lines_for(local)).map(|_| Line::default()).collect()))
    }

    #[test]
    fn a_stack_holds_its_capacity_and_not_one_more() {
        for capacity in 0..=40 {
            let local = empty(40);
            let mut held = local.try_hold().unwrap();
            held.set_capacity(capacity);
            let mut kept = 0;
            for n in 0..50 {
                assert_eq!(local.is_full(), kept == capacity);
                match local.fill_top(object(n)).or_else(|object| held.push(object)) {
                    Ok(()) => kept += 1,
                    Err(object) => assert_eq!(number(object), n),
                }
            }
            assert_eq!((kept, local.len()), (capacity, capacity));
            assert_eq!(held.take_all().into_iter().map(number).count(), capacity);
            assert_eq!(local.len(), 0);
        }
    }

    #[test]
    fn the_last_object_in_is_the_first_out() {
        let local = empty(4);
        let mut held = local.try_hold().unwrap();
        held.set_capacity(4);
        for n in 0..3 {
            held.push(object(n)).unwrap();
        }
        assert_eq!(
            [held.pop(), held.pop(), held.pop(), held.pop()].map(|object| object.map(number)),
            [Some(2), Some(1), Some(0), None]
        );
    }

    #[test]
    fn a_held_stack_is_not_held_twice() {
        let local = empty(4);
        let held = local.try_hold();
        assert!(held.is_some());
        assert!(local.try_hold().is_none());
        assert!(local.try_hold().is_none(), "and the try did not free it");
        drop(held);
        assert!(local.try_hold().is_some());
    }

    #[test]
    fn a_closed_front_takes_nothing_and_gives_nothing() {
        let local = empty(4);
        assert_eq!(number(local.fill_top(object(1)).unwrap_err()), 1);
        assert!(local.take_top().is_none());
        let mut held = local.try_hold().unwrap();
        held.set_capacity(1);
        local.fill_top(object(2)).unwrap();
        assert_eq!(held.take_all().into_iter().map(number).collect::<Vec<_>>(), [2]);
        assert_eq!(number(local.fill_top(object(3)).unwrap_err()), 3);
    }
}
