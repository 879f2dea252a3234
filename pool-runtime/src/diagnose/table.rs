//! The table of the sampled objects that are out, by their addresses.
//!
//! An acquire enters an object, and the end of its guard takes it out, wherever that is. Neither waits for a thread, so a signal handler may do both
//! at whatever point its thread was interrupted. A *reader*, a report or a check, goes through all entries meanwhile.
//!
//! Objects have no room for a mark, and a guard is one word. So each release asks the table whether its object was sampled: it loads the number of
//! entries that lie in the object's bucket or went further from it, which is zero as a rule.
//!
//! # Invariants
//!
//! 1. An object is entered by the thread that has just got it, and taken out by the thread at which its guard ends, before the object is anywhere else.
//!    In between it is alive, so no other object has its address, and one thread at a time has the right to enter or to take out this address. The
//!    second happens after the first. An object without a size has no address of its own, and is never entered.
//! 2. A record belongs to the thread that has moved its entry's word to `BUSY` or `READING`. The words:
//!
//!    | word | meaning | next |
//!    |---|---|---|
//!    | zero | free | `BUSY`, by any acquire |
//!    | `BUSY` | a thread writes the record or takes it away | an address, zero or `RETURNED`, by this thread |
//!    | an address | the object is out | `BUSY`, by the end of its guard; `READING`, by a reader |
//!    | `READING` | a reader has the record; `address` is the object's | the address, by the reader; `GONE`, by the end of the guard |
//!    | `GONE` | the guard has ended while a reader had the record | zero or `RETURNED`, by the reader |
//!    | `RETURNED` | the guard has ended, and its return is to be told | zero, by a reader |
//!
//!    So the end of a guard never waits for a reader: it leaves the record to it. It tries again at most once for each time that a reader comes to or
//!    leaves this entry meanwhile.
//! 3. There is one reader at a time, under the registry's lock (invariant 4 of `registry`). A reader that finds `READING` or `GONE` is in a child of
//!    `fork`, whose parent's reader has left it, or after a reader that panicked; the record is its own. An entry that a thread of the parent had
//!    `BUSY` is lost to the child.
//! 4. `held` of a bucket is at least the number of objects out whose way leads to it: entered there, or further on. `further` is at least the number
//!    of those further on. An acquire raises both before it enters, and the end of the guard lowers them when it has taken out. So the end of a guard
//!    finds its entry: it sees the rise of its own acquire (invariant 1), and each fall that it sees belongs to another object's rise.
//! 5. A level is never freed, and its buckets are never moved.
//!
//! # Orderings
//!
//! A word that gives a record up is written with `Release`, and a word that claims one is read with `Acquire`. Numbers are `Relaxed`: the objects
//! themselves are handed from thread to thread by steps that order (invariant 1).

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::cell::UnsafeCell;
use core::iter::successors;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize};
use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::backtrace::Backtrace;
use std::sync::Arc;
use std::time::Instant;

use crate::diagnose::clock::now;
use crate::diagnose::place::Place;
use crate::storage::store::Store;
use crate::storage::sweeping::Sweeping;

/// The words that are no address: the end of the address space is no object's.
const BUSY: usize = usize::MAX;
const READING: usize = usize::MAX - 1;
const GONE: usize = usize::MAX - 2;
const RETURNED: usize = usize::MAX - 3;

/// The words of a bucket, which with its two numbers are a line.
const WORDS: usize = 7;

/// The buckets of the first level: 4 KiB, which stay in the nearest cache.
const FIRST_BUCKETS: usize = 64;

/// Each level has as many times the buckets of the level before.
const GROWTH: usize = 8;

/// The facts about an acquire.
pub(super) struct Record {
    /// The pool's [`identity`]: its library may be unloaded.
    pub(super) pool: usize,
    /// The pool's name, in memory that stays.
    pub(super) name: &'static str,
    pub(super) place: &'static Place,
    /// `None` on a system without a clock.
    pub(super) since: Option<Instant>,
    pub(super) backtrace: Option<Arc<Backtrace>>,
    /// The acquire is one of so many.
    pub(super) every: u32,
    /// Whether it was told that the object is held for long. Then its return is told, too.
    pub(super) told: bool,
    /// The end of the guard, if the object was told.
    pub(super) returned: Option<Instant>,
}

/// The place of a record.
struct Entry {
    /// The object. Written while the word is `BUSY`, read while it is `READING` by the end of a guard that looks for its entry.
    address: AtomicUsize,
    /// Invariant 2.
    record: UnsafeCell<MaybeUninit<Record>>,
}

// SAFETY: a record is reached by the thread alone that has claimed its word (invariant 2), and may be sent.
unsafe impl Sync for Entry {}

/// Where an object's way through a level ends, or goes further.
#[repr(C, align(64))]
struct Bucket {
    /// Invariant 2. A thread reads all words of the bucket of its object.
    words: [AtomicUsize; WORDS],
    /// Invariant 4, as the next.
    held: AtomicU32,
    further: AtomicU32,
}

/// A part of the table behind the first, which is static.
struct Level {
    buckets: Box<[Bucket]>,
    entries: Box<[[Entry; WORDS]]>,
    /// By how many bits the hash is turned: objects that share a bucket of one level share none of the next.
    turn: u32,
    next: AtomicPtr<Self>,
}

/// A level, as threads go through them.
#[derive(Clone, Copy)]
struct Stage {
    buckets: &'static [Bucket],
    entries: &'static [[Entry; WORDS]],
    turn: u32,
    /// The next level, once a bucket of this had no room. Exchanged once.
    next: &'static AtomicPtr<Level>,
}

impl Bucket {
    const fn new() -> Self {
        Self { words: [const { AtomicUsize::new(0) }; WORDS], held: AtomicU32::new(0), further: AtomicU32::new(0) }
    }
}

impl Entry {
    const fn new() -> Self {
        Self { address: AtomicUsize::new(0), record: UnsafeCell::new(MaybeUninit::uninit()) }
    }
}

static BUCKETS: [Bucket; FIRST_BUCKETS] = [const { Bucket::new() }; FIRST_BUCKETS];
static ENTRIES: [[Entry; WORDS]; FIRST_BUCKETS] = [const { [const { Entry::new() }; WORDS] }; FIRST_BUCKETS];
static SECOND: AtomicPtr<Level> = AtomicPtr::new(ptr::null_mut());
static FIRST: Stage = Stage { buckets: &BUCKETS, entries: &ENTRIES, turn: 0, next: &SECOND };

/// The number of a bucket, of `1 << bits`. Fibonacci hashing: objects of one size lie at equal distances.
#[inline]
const fn bucket_number(address: usize, bits: u32, turn: u32) -> usize {
    const MULTIPLIER: usize = 0x9e37_79b9_7f4a_7c15_u64 as usize;
    address.wrapping_mul(MULTIPLIER).rotate_left(turn) >> (usize::BITS - bits)
}

/// Whether the object at this address may be in the table.
#[inline]
pub(super) fn may_have(address: usize) -> bool {
    BUCKETS[bucket_number(address, FIRST_BUCKETS.trailing_zeros(), 0)].held.load(Relaxed) != 0
}

/// Enters an object, which the calling thread has just got. Allocates if a bucket is full and the table has no further level.
pub(super) fn enter(address: usize, record: Record) {
    let mut stage = FIRST;
    loop {
        let (bucket, entries) = stage.at(address);
        bucket.held.fetch_add(1, Relaxed);
        for (word, entry) in bucket.words.iter().zip(entries) {
            // Acquire: pairs with the store of the thread that has freed it.
            if word.load(Relaxed) == 0 && word.compare_exchange(0, BUSY, Acquire, Relaxed).is_ok() {
                entry.address.store(address, Relaxed);
                // SAFETY: the word is this thread's (invariant 2).
                unsafe { entry.record().write(record) };
                // Release: pairs with the exchanges of `end` and `show`.
                word.store(address, Release);
                return;
            }
        }
        bucket.further.fetch_add(1, Relaxed);
        stage = stage.next_or_make();
    }
}

/// Takes the object out whose guard ends on the calling thread, if it was entered.
#[cold]
pub(super) fn take_out(address: usize) {
    for (passed, stage) in stages().enumerate() {
        let (bucket, entries) = stage.at(address);
        if bucket.words.iter().zip(entries).any(|(word, entry)| entry.end(word, address)) {
            // Its way is given up (invariant 4).
            bucket.held.fetch_sub(1, Relaxed);
            for (before, _) in stages().take(passed).map(|stage| stage.at(address)) {
                before.held.fetch_sub(1, Relaxed);
                before.further.fetch_sub(1, Relaxed);
            }
            return;
        }
        if bucket.further.load(Relaxed) == 0 {
            return;
        }
    }
}

/// Shows a reader the records of all objects that are out. The lock is held (invariant 3); `see` runs no code of the user's.
pub(super) fn visit(_lock: &Sweeping, mut see: impl FnMut(&mut Record)) {
    all_entries().for_each(|(word, entry)| entry.show(word, |_, record| see(record)));
}

/// Takes the records out whose objects have returned after it was told that they are held for long. The lock is held.
pub(super) fn take_returned(_lock: &Sweeping) -> Vec<Record> {
    // Acquire: pairs with the store of `leave`.
    let returned = all_entries().filter(|(word, _)| word.load(Acquire) == RETURNED);
    // SAFETY: no other thread claims such a word, which was an address (invariants 2 and 3).
    returned.map(|(word, entry)| unsafe { entry.free(word) }).collect()
}

/// The identity of a pool in a record.
pub(super) fn identity(store: &'static Store) -> usize {
    ptr::from_ref(store).addr()
}

/// Takes the objects out that `is_meant` chooses. Their guards never end. The lock is held.
#[allow(dead_code, reason = "only glibc tells that a library is unloaded")]
pub(super) fn forget(_lock: &Sweeping, is_meant: impl Fn(&Record) -> bool) {
    let mut addresses = Vec::new();
    all_entries().for_each(|(word, entry)| {
        entry.show(word, |address, record| addresses.extend(is_meant(record).then_some(address)));
    });
    addresses.into_iter().for_each(take_out);
}

fn stages() -> impl Iterator<Item = Stage> {
    successors(Some(FIRST), |stage| stage.next())
}

fn all_entries() -> impl Iterator<Item = (&'static AtomicUsize, &'static Entry)> {
    stages().flat_map(|Stage { buckets, entries, .. }| {
        buckets.iter().flat_map(|bucket| &bucket.words).zip(entries.iter().flatten())
    })
}

impl Entry {
    fn record(&self) -> *mut Record {
        self.record.get().cast()
    }

    /// Ends the entry if it is that of this object, whose guard ends on the calling thread.
    fn end(&self, word: &AtomicUsize, address: usize) -> bool {
        loop {
            // Acquire: pairs with the store of `enter`, for `address`, also if a reader has exchanged the word since.
            match word.load(Acquire) {
                // Acquire: pairs with the store of `enter`, and with that of the last reader.
                found if found == address => {
                    if word.compare_exchange(address, BUSY, Acquire, Relaxed).is_ok() {
                        // SAFETY: the word was the address, and is this thread's (invariant 2).
                        unsafe { self.leave(word) };
                        return true;
                    }
                }
                READING if self.address.load(Relaxed) == address => {
                    // Relaxed: this thread has not touched the record.
                    if word.compare_exchange(READING, GONE, Relaxed, Relaxed).is_ok() {
                        return true;
                    }
                }
                _ => return false,
            }
            // A reader came or left between the two.
        }
    }

    /// Gives the entry up after the end of the guard.
    ///
    /// # Safety
    ///
    /// As for [`free`](Self::free).
    unsafe fn leave(&self, word: &AtomicUsize) {
        // SAFETY: the caller's promise: the record was written, and no other thread reaches it.
        let record = unsafe { &mut *self.record() };
        if record.told {
            record.returned = now();
            // Release: pairs with the load of `take_returned`.
            word.store(RETURNED, Release);
            return;
        }
        // SAFETY: the caller's promise.
        drop(unsafe { self.free(word) });
    }

    /// Takes the record out, and frees the entry.
    ///
    /// # Safety
    ///
    /// The word is the calling thread's (invariant 2), and was an address before.
    unsafe fn free(&self, word: &AtomicUsize) -> Record {
        // SAFETY: the caller's promise: the record was written, and is not read again.
        let record = unsafe { self.record().read() };
        // Release: pairs with the exchange of `enter`.
        word.store(0, Release);
        record
    }

    /// Shows a reader the object and its record, if it is out.
    fn show(&self, word: &AtomicUsize, see: impl FnOnce(usize, &mut Record)) {
        // Acquire: pairs with the store of a guard's end, or of a reader that is no more.
        let address = match word.load(Acquire) {
            0 | BUSY | RETURNED => return,
            // Invariant 3.
            // SAFETY: it was an address, and the record is this reader's.
            GONE => return unsafe { self.leave(word) },
            READING => self.address.load(Relaxed),
            address => {
                // Acquire: pairs with the store of `enter`. If it fails the guard has ended.
                if word.compare_exchange(address, READING, Acquire, Relaxed).is_err() {
                    return;
                }
                address
            }
        };
        // SAFETY: the word is this reader's (invariant 2), and was an address.
        see(address, unsafe { &mut *self.record() });
        // Release: pairs with the exchange of `end`. If it fails the guard has ended meanwhile, and the word is `GONE`.
        if word.compare_exchange(READING, address, Release, Relaxed).is_err() {
            // SAFETY: it is this reader's (invariant 2).
            unsafe { self.leave(word) };
        }
    }
}

impl Stage {
    fn at(self, address: usize) -> (&'static Bucket, &'static [Entry; WORDS]) {
        let number = bucket_number(address, self.buckets.len().trailing_zeros(), self.turn);
        (&self.buckets[number], &self.entries[number])
    }

    fn next(self) -> Option<Self> {
        // Acquire: pairs with the exchange of `next_or_make`.
        // SAFETY: a level is never freed (invariant 5).
        let level = unsafe { self.next.load(Acquire).as_ref() }?;
        Some(Self { buckets: &level.buckets, entries: &level.entries, turn: level.turn, next: &level.next })
    }

    /// The next level. It is made if there is none.
    fn next_or_make(self) -> Self {
        loop {
            if let Some(next) = self.next() {
                return next;
            }
            let length = self.buckets.len() * GROWTH;
            // SAFETY: zeros are an empty bucket.
            let buckets = unsafe { zeroed(length) };
            // SAFETY: zeros are an empty entry, whose record is not there yet.
            let entries = unsafe { zeroed(length) };
            let made = Level { buckets, entries, turn: self.turn + 13, next: AtomicPtr::default() };
            let made = Box::into_raw(Box::new(made));
            // Release: pairs with the load of `next`. If it fails, another thread was faster.
            if self.next.compare_exchange(ptr::null_mut(), made, Release, Relaxed).is_err() {
                // SAFETY: made above, and known to this thread alone.
                drop(unsafe { Box::from_raw(made) });
            }
        }
    }
}

/// Memory of zeros, whose pages the system may provide when they are first used.
///
/// # Safety
///
/// Zeros are a value of `T`, which has a size.
unsafe fn zeroed<T>(length: usize) -> Box<[T]> {
    let Ok(layout) = Layout::array::<T>(length) else { panic!("the table of sampled objects is too large") };
    // SAFETY: the layout has a size (the caller's promise).
    let memory = unsafe { alloc_zeroed(layout) }.cast::<T>();
    if memory.is_null() {
        handle_alloc_error(layout);
    }
    // SAFETY: it is allocated as a slice of this length, and holds values (the caller's promise).
    unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(memory, length)) }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use core::panic::Location;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::Mutex;

    use super::*;
    use crate::diagnose::place;
    use crate::storage::sweeping::lock;

    /// The table is the process's: other tests have objects in it, and readers would wait for each other.
    static TURN: Mutex<()> = Mutex::new(());

    /// An address that no other object has.
    fn address() -> usize {
        ptr::from_mut(Box::leak(Box::new(0_u64))).addr()
    }

    fn record(name: &'static str) -> Record {
        let place = place::kept(Location::caller());
        Record { pool: 0, name, place, since: now(), backtrace: None, every: 1, told: false, returned: None }
    }

    /// How many records have this name; `see` is called for each.
    fn visit_all(name: &str, mut see: impl FnMut(&mut Record)) -> usize {
        let mut seen = 0;
        visit(&lock(), |record| {
            if record.name == name {
                seen += 1;
                see(record);
            }
        });
        seen
    }

    fn returned(name: &str) -> usize {
        take_returned(&lock()).iter().filter(|record| record.name == name).count()
    }

    fn held(address: usize) -> u32 {
        FIRST.at(address).0.held.load(Relaxed)
    }

    #[test]
    fn a_guard_that_ends_while_a_reader_has_its_record_leaves_it_to_the_reader() {
        let _turn = TURN.lock();
        for is_told in [false, true] {
            let address = address();
            let others = held(address);
            enter(address, record("read"));
            let seen = visit_all("read", |record| {
                record.told = is_told;
                take_out(address);
            });
            assert_eq!((seen, returned("read")), (1, usize::from(is_told)), "this reader has done it");
            assert_eq!(visit_all("read", |_| ()), 0);
            assert_eq!(held(address), others, "its way is given up");
        }
    }

    /// The object goes back to its pool and is acquired again while the reader has the record of the hold before.
    #[test]
    fn the_next_hold_of_an_object_has_an_entry_of_its_own() {
        let _turn = TURN.lock();
        let address = address();
        enter(address, record("first hold"));
        visit_all("first hold", |_| {
            take_out(address);
            enter(address, record("next hold"));
        });
        assert_eq!((visit_all("first hold", |_| ()), visit_all("next hold", |_| ())), (0, 1));
        take_out(address);
        assert_eq!(visit_all("next hold", |_| ()), 0);
    }

    /// As in a child of `fork`, whose parent's reader is in the middle of it.
    #[test]
    fn a_record_that_a_reader_has_left_is_the_next_readers() {
        let _turn = TURN.lock();
        let address = address();
        enter(address, record("left"));
        let leave = |ends: bool| {
            let left = catch_unwind(AssertUnwindSafe(|| {
                visit_all("left", |_| {
                    if ends {
                        take_out(address);
                    }
                    resume_unwind(Box::new(()));
                })
            }));
            assert!(left.is_err());
        };
        leave(false);
        assert_eq!(visit_all("left", |_| ()), 1, "it is out still");
        leave(false);
        take_out(address);
        assert_eq!(visit_all("left", |_| ()), 0, "the guard has ended");
        enter(address, record("left"));
        leave(true);
        assert_eq!(visit_all("left", |_| ()), 0, "the guard has ended before the reader was gone");
        let is_free =
            FIRST.at(address).0.words.iter().all(|word| !matches!(word.load(Relaxed), GONE | READING | RETURNED));
        assert!(is_free, "no entry is lost");
    }

    #[test]
    fn an_object_that_was_not_entered_is_not_taken_out() {
        let _turn = TURN.lock();
        let (entered, other) = (address(), address());
        enter(entered, record("entered"));
        take_out(other);
        assert_eq!(visit_all("entered", |_| ()), 1);
        take_out(entered);
    }
}
