//! [`Private`], a slot's bounded stack for the threads that the slot belongs to.
//!
//! Its top is one word, the *front*: an object or null, as in Go's pool of 2013. What lies behind it is an array.
//!
//! With restartable sequences (`machine::rseq`) only sequences of the thread that has the slot's number use the stack, and a sweep that has fenced.
//! On the portable backend the front is exchanged atomically: a thread that holds one object at a time never leaves a
//! lock behind when it is preempted. The rest is under a one-byte try-lock. Whoever finds the lock taken goes elsewhere;
//! nobody waits here but a sweep.
//!
//! # Invariants
//!
//! 1. Only the holder of the lock (a [`Held`]) writes `len`, `limit` and `objects`, or a sequence does. Statistics read
//!    `len`.
//! 2. `objects[..len]` own their objects; what lies above `len` is stale and owned by somebody else. An address in
//!    `front` owns its object, and whoever exchanges it for something else owns it from then on.
//! 3. The capacity, `limit` and one for a front that is not `CLOSED`, is charged to the pool's bound, and there are never
//!    more objects here. `limit <= objects.len()`. Only the holder closes the front.
//! 4. No user code runs while the lock is held: the holder moves pointers, and nothing else.
//!
//! # Orderings
//!
//! The front is filled with `Release` and emptied with `Acquire`. The holder's accesses are `Relaxed`: the exchange
//! (`Acquire`) that takes the lock pairs with the store (`Release`) that the last holder left it with, so a holder sees all that the
//! holders before it did. These edges are also what puts the reset of a released object before its next use.
//!
//! `len` is stored with `Release`, after the entry that it covers: a child of `fork` gets memory as another CPU left it
//! in the middle of a push, and must not find a length that covers an entry not yet written.

use core::iter::from_fn;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::slots::object::Object;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, const_fn};

#[repr(C, align(128))]
pub(crate) struct Private {
    /// `CLOSED`, null or an object.
    pub(crate) front: AtomicPtr<()>,
    /// How many objects are in `objects`.
    pub(crate) len: AtomicUsize,
    /// How many objects may be in `objects`; adapts.
    pub(crate) limit: AtomicUsize,
    /// The try-lock of the portable backend.
    held: AtomicBool,
    /// The last [`Batch`] since the last ageing step, or zero: where there is one, the stack is smaller than its use.
    last_batch: AtomicU8,
    /// In the same piece of memory as the slot, right behind it, where the sequences find them.
    objects: &'static [Line],
}

/// Which way a batch goes between a private stack and a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Batch {
    /// A refill.
    In = 1,
    /// A flush.
    Out,
}

/// As many entries as lie on 128 bytes where a pointer has 8: no line is shared with another CPU's stack.
#[repr(C, align(128))]
#[derive(Default)]
pub(crate) struct Line([AtomicPtr<()>; LINE]);
const LINE: usize = 16;

/// The beginning of a [`Private`] that is closed and has no room. It stands in for one that has not been made: nothing is
/// ever stored there.
#[repr(C)]
pub(crate) struct Closed {
    front: AtomicPtr<()>,
    len: AtomicUsize,
    limit: AtomicUsize,
}

impl Closed {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { front: AtomicPtr::new(CLOSED), len: AtomicUsize::new(0), limit: AtomicUsize::new(0) }
        }
    }
}

/// Nothing can be put into the front. No object has this address.
pub(crate) const CLOSED: *mut () = ptr::without_provenance_mut(usize::MAX);

impl Private {
    /// How many lines a stack needs that can grow to `local` objects, of which one is in the front.
    pub(crate) fn lines_for(local: usize) -> usize {
        local.saturating_sub(1).div_ceil(LINE)
    }

    /// An empty stack of capacity zero, which can grow to what these lines hold and the front.
    pub(crate) fn new(objects: &'static [Line]) -> Self {
        Self {
            front: AtomicPtr::new(CLOSED),
            len: AtomicUsize::new(0),
            limit: AtomicUsize::new(0),
            held: AtomicBool::new(false),
            last_batch: AtomicU8::new(0),
            objects,
        }
    }

    /// Takes what is in the front. Stores nothing where nothing is there.
    #[inline]
    pub(crate) fn take_front(&self) -> Option<Object> {
        let front = self.front.load(Relaxed);
        if front.is_null() || front == CLOSED {
            return None;
        }
        // Acquire: pairs with `fill_front`. Not a swap, which could open a front that was closed meanwhile. If the same
        // object has left and come back, it is here now, and that is all that counts.
        self.front.compare_exchange(front, ptr::null_mut(), Acquire, Relaxed).ok()?;
        // SAFETY: an address in `front` owns its object, and the exchange took it out (invariant 2).
        unsafe { Object::from_raw(front) }
    }

    /// Puts an object into the front, or gives it back where something is there or the front is closed.
    #[inline]
    pub(crate) fn fill_front(&self, object: Object) -> Result<(), Object> {
        let pointer = object.into_raw();
        // Release: pairs with `take_front` and `take_all`.
        match self.front.compare_exchange(ptr::null_mut(), pointer, Release, Relaxed) {
            Ok(_) => Ok(()),
            // SAFETY: the exchange failed, so the pointer that was just made of the object still owns it.
            Err(_) => unsafe { Object::from_raw(pointer) }.map_or(Ok(()), Err),
        }
    }

    /// Takes the lock, if it is free.
    #[inline]
    pub(crate) fn try_hold(&self) -> Option<Held<'_>> {
        // Acquire: pairs with the store of the last `Held`; what it left is what we see.
        self.held.compare_exchange(false, true, Acquire, Relaxed).is_ok().then(|| Held(self))
    }

    /// How many objects lie behind the front, at a moment that has passed by now.
    #[inline]
    pub(crate) fn stacked(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// How many objects lie here, at moments that have passed by now.
    pub(crate) fn len(&self) -> usize {
        let front = self.front.load(Relaxed);
        self.stacked() + usize::from(!front.is_null() && front != CLOSED)
    }

    /// How many objects may lie here, at moments that have passed by now.
    pub(crate) fn capacity(&self) -> usize {
        self.limit() + usize::from(self.is_open())
    }

    /// How many more objects may lie behind the front.
    pub(crate) fn room(&self) -> usize {
        self.limit().saturating_sub(self.stacked())
    }

    /// How many objects may lie behind the front, at a moment that has passed by now.
    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Relaxed)
    }

    /// The largest that `limit` can be.
    pub(crate) fn most_limit(&self) -> usize {
        LINE * self.lines()
    }

    pub(crate) fn lines(&self) -> usize {
        self.objects.len()
    }

    /// All that a sequence writes, but the entries.
    pub(crate) fn words(&self) -> (*mut (), usize, usize) {
        (self.front.load(Relaxed), self.stacked(), self.limit())
    }

    /// Whether there was no place for an object, at a moment that has passed by now.
    pub(crate) fn is_full(&self) -> bool {
        self.room() == 0 && !self.front.load(Relaxed).is_null()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.front.load(Relaxed) != CLOSED
    }

    /// Notes that a batch comes or goes, and says which way the one before it went in this ageing interval.
    pub(crate) fn note_batch(&self, batch: Batch) -> Option<Batch> {
        let before = self.last_batch.load(Relaxed);
        self.last_batch.store(batch as u8, Relaxed);
        [Batch::In, Batch::Out].into_iter().find(|&batch| batch as u8 == before)
    }

    /// Begins a new ageing interval, and says whether a batch came or went in the last.
    pub(crate) fn end_interval(&self) -> bool {
        let batched = self.last_batch.load(Relaxed) != 0;
        self.last_batch.store(0, Relaxed);
        batched
    }

    fn entry(&self, number: usize) -> Option<&AtomicPtr<()>> {
        self.objects.get(number / LINE).map(|line| &line.0[number % LINE])
    }
}

/// The holder of a [`Private`]'s lock.
pub(crate) struct Held<'a>(&'a Private);

impl Held<'_> {
    /// Takes the top object behind the front.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Object> {
        let top = self.stacked().checked_sub(1)?;
        let object = self.0.entry(top)?.load(Relaxed);
        self.0.len.store(top, Release);
        // SAFETY: the entry owned its object (invariant 2) and is stale since `len` was lowered, so it is taken out
        // once; nobody else changes either (invariant 1).
        unsafe { Object::from_raw(object) }
    }

    /// Puts an object behind the front, or gives it back where there is no room.
    #[inline]
    pub(crate) fn push(&mut self, object: Object) -> Result<(), Object> {
        if self.room() == 0 {
            return Err(object);
        }
        let len = self.stacked();
        let Some(entry) = self.0.entry(len) else { return Err(object) };
        entry.store(object.into_raw(), Relaxed);
        self.0.len.store(len + 1, Release);
        Ok(())
    }

    #[inline]
    pub(crate) fn stacked(&self) -> usize {
        self.0.stacked()
    }

    /// How many more objects may lie behind the front.
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

    /// Changes the capacity, and opens the front where it was zero. The caller has charged what is more. To lower it,
    /// [`take_all`](Self::take_all) comes first.
    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        let limit = capacity.saturating_sub(1);
        debug_assert!(self.stacked() <= limit && limit <= self.0.most_limit(), "invariant 3");
        self.0.limit.store(limit, Relaxed);
        if capacity > 0 {
            // Relaxed: who fills the front next needs nothing of what came before.
            let _ = self.0.front.compare_exchange(CLOSED, ptr::null_mut(), Relaxed, Relaxed);
        }
    }

    /// Takes all objects and closes the front; [`set_capacity`](Self::set_capacity) must follow.
    pub(crate) fn take_all(&mut self) -> Vec<Object> {
        // Acquire: pairs with `fill_front`.
        let front = self.0.front.swap(CLOSED, Acquire);
        // SAFETY: an address in `front` owns its object, and the swap took it out (invariant 2).
        let front = if front == CLOSED { None } else { unsafe { Object::from_raw(front) } };
        from_fn(|| self.pop()).chain(front).collect()
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the exchange of the next `Held`.
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

    fn empty(local: usize) -> Private {
        Private::new(Box::leak((0..Private::lines_for(local)).map(|_| Line::default()).collect()))
    }

    #[test]
    fn a_stack_holds_its_capacity_and_not_one_more() {
        for capacity in 0..=40 {
            let private = empty(40);
            let mut held = private.try_hold().unwrap();
            held.set_capacity(capacity);
            let mut kept = 0;
            for n in 0..50 {
                assert_eq!(private.is_full(), kept == capacity);
                match private.fill_front(object(n)).or_else(|object| held.push(object)) {
                    Ok(()) => kept += 1,
                    Err(object) => assert_eq!(number(object), n),
                }
            }
            assert_eq!((kept, private.len()), (capacity, capacity));
            assert_eq!(held.take_all().into_iter().map(number).count(), capacity);
            assert_eq!(private.len(), 0);
        }
    }

    #[test]
    fn the_last_object_in_is_the_first_out() {
        let private = empty(4);
        let mut held = private.try_hold().unwrap();
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
        let private = empty(4);
        let held = private.try_hold();
        assert!(held.is_some());
        assert!(private.try_hold().is_none());
        assert!(private.try_hold().is_none(), "and the try did not free it");
        drop(held);
        assert!(private.try_hold().is_some());
    }

    #[test]
    fn a_closed_front_takes_nothing_and_gives_nothing() {
        let private = empty(4);
        assert_eq!(number(private.fill_front(object(1)).unwrap_err()), 1);
        assert!(private.take_front().is_none());
        let mut held = private.try_hold().unwrap();
        held.set_capacity(1);
        private.fill_front(object(2)).unwrap();
        assert_eq!(held.take_all().into_iter().map(number).collect::<Vec<_>>(), [2]);
        assert_eq!(number(private.fill_front(object(3)).unwrap_err()), 3);
    }
}
