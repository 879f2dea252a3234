//! [`Life`], of the storage of a pool that is a value: a storage serves one pool, and when that has been dropped and its last guard is gone, the
//! next. It is never freed. So to a thread that is at work in it, it is as good as a static.
//!
//! A guard that is dropped may find its pool dropped. It still has the storage: its object is one of those that are *out*, and the storage waits for
//! each. The number of those is not counted while the pool lives, since that would be a store for all threads in every release. It is counted once,
//! when no thread is at work in the dropped pool any more:
//!
//! | step | `inside` | `left` | by |
//! |---|---|---|---|
//! | the pool is *open* | threads in its slow ways | `UNSETTLED` | |
//! | it is *closed*: stopped, fenced, without a place on a stack | `CLOSED` + threads that were in before | `UNSETTLED` − guards gone since | the pool's drop |
//! | it is *settled*: its last objects are taken out, and those out counted | `CLOSED` | guards that are out | the last thread inside |
//! | it is *handed over*: its hooks are dropped, and it is on the list of its kind | `CLOSED` | 0 | the settling thread, or the last guard's |
//! | it is *renewed*: the next pool has it | 0 | `UNSETTLED` | the next pool |
//!
//! # Invariants
//!
//! 1. A release that succeeds at once touches the storage no more after its object has come to a place. Each other thread that gives an object up
//!    is [inside](Life::enter) from before its first touch until after its last, and so is a sweep from the moment at which it takes objects out until
//!    they are dropped. An acquire borrows the pool, which cannot be dropped meanwhile.
//! 2. A closed pool lets no thread in, and no object comes to a place at once: a sequence finds the pool stopped, and an exchange a closed top
//!    (`take_for_good`). So once no thread is inside, the counters stand still, and no thread but those with a guard will touch the storage.
//! 3. The drop of a guard that is not let in drops its object, and its last touch is [`leave`](Life::leave): it takes one off `left`. So `left` comes to
//!    zero once, after all other touches. The thread that takes it there has the storage alone.
//! 4. The threads that open and close pools have the registry's lock, and take storages off the lists of kinds. Any thread puts one on such a list.
//! 5. A storage serves pools of one *kind*: of one type of object and of hooks, one name, and one size of the stacks. So its functions never change,
//!    and an object that came to it is of its type, whatever happened meanwhile.
//!
//! In a child of `fork` a thread that was inside does not exist, and a guard on the stack of another thread is never dropped: such a storage is not
//! handed over there, and neither is that of a guard that was forgotten.
//!
//! # Orderings
//!
//! To leave is `Release`, of `inside` as of `left`, and the thread that finds itself the last acquires: all that the others have done comes before. A
//! storage is put onto a list with `Release` and taken off with `Acquire`.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::any::TypeId;
use core::ptr;
use core::sync::atomic;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::machine::library::Library;
use crate::sync::{AtomicPtr, AtomicUsize};

/// The bit of `inside` that says that the pool is closed.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// The value of `left` before the guards that are out are counted: more than there can be.
const UNSETTLED: usize = 1 << (usize::BITS - 1);

/// A storage of type `S`, and its life.
#[repr(C)]
pub(crate) struct Life<S: 'static> {
    storage: S,
    pub(crate) kind: &'static Kind<S>,
    /// `CLOSED`, and the number of threads inside. Any thread that gives an object up, and each sweep, changes it (invariants 1 and 2).
    inside: AtomicUsize,
    /// The number of objects that are out, once that is known (invariant 3). Threads with a guard of a closed pool take one off.
    left: AtomicUsize,
    /// The hooks of the pool, a box of the kind's type. Written by the thread that has the storage alone; read by a thread with a guard, or inside.
    hooks: AtomicPtr<()>,
    /// The next storage on the kind's list. Written by the thread that puts this there, read by the thread that takes it off.
    next: AtomicPtr<Self>,
}

/// The pools that can have each other's storage (invariant 5).
pub(crate) struct Kind<S: 'static> {
    pub(crate) key: Key,
    drop_hooks: DropHooks,
    /// The storages that no pool has (invariant 4).
    free: AtomicPtr<Life<S>>,
    /// The kind that was made before this. Read and written under the registry's lock.
    next: atomic::AtomicPtr<Self>,
}

#[derive(Clone, Copy)]
pub(crate) struct Key {
    /// The type of the hooks, and that of the objects.
    pub(crate) hooks: TypeId,
    pub(crate) name: &'static str,
    pub(crate) local: usize,
    pub(crate) weighs: bool,
    /// Whether an object is dropped if its guard is while the thread unwinds.
    pub(crate) discards: bool,
    /// The library that has the functions.
    pub(crate) library: Library,
}

/// Drops the hooks of a pool, given their address.
///
/// # Safety
///
/// The address is that of a box of hooks of the kind's type, which is not used again.
pub(crate) type DropHooks = unsafe fn(*mut ());

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (self.hooks, self.local, self.weighs, self.discards) == (other.hooks, other.local, other.weighs, other.discards)
            && self.library == other.library
            && self.name == other.name
    }
}

impl<S> Life<S> {
    /// A new storage. It is as one that was handed over.
    pub(crate) fn begin(kind: &'static Kind<S>, storage: S) -> &'static Self {
        Box::leak(Box::new(Self {
            storage,
            kind,
            inside: AtomicUsize::new(CLOSED),
            left: AtomicUsize::new(0),
            hooks: AtomicPtr::new(ptr::null_mut()),
            next: AtomicPtr::new(ptr::null_mut()),
        }))
    }

    #[inline]
    pub(crate) fn storage(&'static self) -> &'static S {
        &self.storage
    }

    /// The address of the hooks, for a thread with a guard or inside.
    #[inline]
    pub(crate) fn hooks(&self) -> *mut () {
        self.hooks.load(Relaxed)
    }

    /// Lets a thread in. `false` if the pool is closed.
    pub(crate) fn enter(&self) -> bool {
        // Acquire: pairs with `renew`; a thread that gets a storage again sees it as the next pool has it.
        self.inside.fetch_update(Acquire, Relaxed, |now| (now & CLOSED == 0).then(|| now + 1)).is_ok()
    }

    /// Lets a thread out. `true` if it was the last in a closed pool, which it then settles.
    #[must_use]
    pub(crate) fn exit(&self) -> bool {
        self.inside.fetch_sub(1, AcqRel) == CLOSED | 1
    }

    /// Whether the pool is closed. Exact under the registry's lock.
    pub(crate) fn is_closed(&self) -> bool {
        self.inside.load(Relaxed) & CLOSED != 0
    }

    /// Closes the pool, for the thread that drops it, which is inside. The pool is stopped and fenced, and the lock is held.
    pub(crate) fn close(&self) {
        self.inside.fetch_or(CLOSED, AcqRel);
    }

    /// The last touch of a guard that was not let in. `true` if the calling thread has the storage alone from now on.
    #[must_use]
    pub(crate) fn leave(&self) -> bool {
        self.left.fetch_sub(1, AcqRel) == 1
    }

    /// Says how many objects are out, those included whose guards have left since the pool was closed. `true` as for [`leave`](Self::leave).
    #[must_use]
    pub(crate) fn settle(&self, out: usize) -> bool {
        let before = self.left.fetch_sub(UNSETTLED - out, AcqRel);
        before == UNSETTLED - out
    }

    /// The number of objects that are out, of a closed pool in which no thread is at work.
    #[allow(dead_code, reason = "only glibc tells that a library is unloaded")]
    pub(crate) fn out(&self) -> usize {
        self.left.load(Relaxed) & !UNSETTLED
    }

    /// Drops the hooks, which is user code. The calling thread has the storage alone.
    pub(crate) fn drop_hooks(&self) {
        let hooks = self.hooks.swap(ptr::null_mut(), Relaxed);
        if !hooks.is_null() {
            // SAFETY: `renew` has stored it, which had it of the kind's type, and the exchange took it out.
            unsafe { (self.kind.drop_hooks)(hooks) };
        }
    }

    /// Puts the storage onto the list of its kind. The calling thread has it alone, and uses it no more.
    pub(crate) fn hand_over(&'static self) {
        let mut first = self.kind.free.load(Relaxed);
        loop {
            self.next.store(first, Relaxed);
            // Release: pairs with `take`.
            match self.kind.free.compare_exchange_weak(first, ptr::from_ref(self).cast_mut(), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// Opens the storage for the next pool, whose hooks these are, of the kind's type. The lock is held, and no other thread uses the storage.
    pub(crate) fn renew(&self, hooks: *mut ()) {
        self.hooks.store(hooks, Relaxed);
        self.left.store(UNSETTLED, Relaxed);
        // Release: pairs with `enter`.
        self.inside.store(0, Release);
    }
}

impl<S> Kind<S> {
    /// A storage that was handed over, if there is one. The lock is held: no other thread takes one off, so none is off and on again between the
    /// load and the exchange.
    fn take(&self) -> Option<&'static Life<S>> {
        // Acquire: pairs with `hand_over`.
        let mut first = self.free.load(Acquire);
        loop {
            // SAFETY: a storage and its life are never freed.
            let life: &'static Life<S> = unsafe { first.as_ref() }?;
            match self.free.compare_exchange_weak(first, life.next.load(Relaxed), Acquire, Acquire) {
                Ok(_) => return Some(life),
                Err(now) => first = now,
            }
        }
    }
}

/// The kinds of the process. A static, so its atomics are not loom's.
pub(crate) struct Kinds<S: 'static> {
    /// The kind that was made last. Read and written under the registry's lock.
    first: atomic::AtomicPtr<Kind<S>>,
}

impl<S> Kinds<S> {
    pub(crate) const fn new() -> Self {
        Self { first: atomic::AtomicPtr::new(ptr::null_mut()) }
    }

    /// The kind with this key, made if there is none, and a storage of it, if one was handed over. The lock is held.
    pub(crate) fn take(&self, key: Key, drop_hooks: DropHooks) -> (&'static Kind<S>, Option<&'static Life<S>>) {
        let kind = self.iter().find(|kind| kind.key == key).unwrap_or_else(|| {
            let next = atomic::AtomicPtr::new(self.first.load(Relaxed));
            let kind: &'static Kind<S> =
                Box::leak(Box::new(Kind { key, drop_hooks, free: AtomicPtr::new(ptr::null_mut()), next }));
            self.first.store(ptr::from_ref(kind).cast_mut(), Relaxed);
            kind
        });
        (kind, kind.take())
    }

    /// Forgets the kinds of a library that is unloaded: the next library at its place has other functions. The lock is held.
    #[allow(dead_code, reason = "only glibc tells that a library is unloaded")]
    pub(crate) fn forget(&self, library: Library) {
        let mut link = &self.first;
        // SAFETY: as for `iter`.
        while let Some(kind) = unsafe { link.load(Relaxed).as_ref() } {
            if kind.key.library == library {
                link.store(kind.next.load(Relaxed), Relaxed);
            } else {
                link = &kind.next;
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = &'static Kind<S>> {
        // SAFETY: a kind is never freed.
        let at = |link: &atomic::AtomicPtr<Kind<S>>| unsafe { link.load(Relaxed).as_ref::<'static>() };
        core::iter::successors(at(&self.first), move |kind| at(&kind.next))
    }
}
