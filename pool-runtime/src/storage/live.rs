//! [`Live`], the list of the live pools: a pool enters it, and its registration is taken out. Its invariants and orderings are those of
//! `registry`.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32};

use crate::machine::library::{self, Library};
use crate::machine::process;

/// A pool, as this list knows it.
pub(crate) trait Listed: Sized + 'static {
    /// The place of its registration.
    fn place(&self) -> &Place<Self>;
    /// The library that it is part of.
    fn library(&self) -> Library;
    /// Its name, in that library's memory.
    fn own_name(&self) -> &'static str;
}

/// A pool's own pointer into the list: to its registration, once the pool has been used. A first use exchanges null, any thread reads it, and a
/// library that is unloaded clears it (invariants 1 and 2).
pub(crate) struct Place<S: 'static>(AtomicPtr<Registration<S>>);

impl<S> Place<S> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    pub(crate) fn registration(&self) -> Option<&'static Registration<S>> {
        // SAFETY: a registration is there for as long as a pool names it (invariant 1 of `registry`).
        unsafe { self.0.load(Acquire).as_ref() }
    }

    /// Forgets the registration: the pool is about to be as it was before its first use. The lock is held.
    #[allow(dead_code, reason = "only glibc tells that a library is unloaded")]
    pub(crate) fn clear(&self) {
        self.0.store(ptr::null_mut(), Relaxed);
    }
}

/// A pool in the list.
pub(crate) struct Registration<S: 'static> {
    /// The pool. Never changed. A thread follows it under the registry's lock if the registration is not marked (invariant 5), or if it has the
    /// registration pending (invariant 6). A library that is unloaded follows each, to find its own.
    pub(crate) store: &'static S,
    /// The pool's name, in memory that stays. Never changed; any thread reads it.
    name: &'static str,
    /// The registration that was added before this. The thread that adds writes it before it publishes; from then on it is read and exchanged
    /// under the registry's lock (invariant 5).
    next: AtomicPtr<Self>,
    /// The registration does not count: the pool has left, or another registration is the pool's. Written under the registry's lock, and by a
    /// thread that loses the race of a first use (invariants 1 and 2). Exact under the lock, a guess without it.
    pub(crate) marked: AtomicBool,
    /// The number of threads that have objects of the pool to drop, after a sweep (invariant 6). Raised under the registry's lock, lowered
    /// without it; a thread that waits for the others reads it.
    pub(crate) pending: AtomicU32,
    /// The process of these threads: a forked child has none of them (invariant 4). Written under the registry's lock; read by a thread that
    /// waits, without it.
    pub(crate) pending_in: AtomicU32,
    /// Whether a sweep has told of the pool's first use. Exchanged under the registry's lock.
    #[cfg(feature = "tracing")]
    told: AtomicBool,
}

impl<S: Listed> Registration<S> {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the pool has left. Exact under the lock, a guess for others.
    pub(crate) fn has_left(&self) -> bool {
        self.marked.load(Relaxed)
    }

    /// Whether the pool's first use is to be told now. The lock is held.
    #[cfg(feature = "tracing")]
    pub(crate) fn tell_start(&self) -> bool {
        !self.told.swap(true, Relaxed)
    }

    /// Another pool has the storage: its first use is to be told, too.
    #[cfg(feature = "tracing")]
    pub(crate) fn renew_start(&self) {
        self.told.store(false, Relaxed);
    }

    /// Whether a thread of this process has objects of the pool to drop.
    pub(crate) fn is_pending(&self) -> bool {
        // Acquire: pairs with `Pending`; all that the `Drop` of an object has done comes before.
        self.pending.load(Acquire) > 0 && self.pending_in.load(Relaxed) == process::current()
    }

    /// Whether the pool's own pointer names this registration. The lock is held.
    pub(crate) fn is_own(&self) -> bool {
        ptr::eq(self.store.place().0.load(Acquire), self)
    }

    /// Frees a registration.
    ///
    /// # Safety
    ///
    /// It was [taken out](Live::take_out), no pool names it, and it is not pending.
    #[allow(dead_code, reason = "only glibc tells that a library is unloaded")]
    pub(crate) unsafe fn free(&'static self) {
        // SAFETY: leaked when it was added, and the caller's promise.
        drop(unsafe { Box::from_raw(ptr::from_ref(self).cast_mut()) });
    }
}

/// The process in which the first pool was used.
static HOME: AtomicU32 = AtomicU32::new(0);

/// Whether this process descends, by `fork` without `exec`, from the process in which the first pool was used.
pub(crate) fn is_forked() -> bool {
    HOME.load(Relaxed) != process::current()
}

/// A list of pools.
pub(crate) struct Live<S: 'static> {
    /// The registration that was added last. A thread that adds exchanges it, without a lock; it is read, and a library's registrations are
    /// taken out, under the registry's lock (invariants 1 and 5).
    head: AtomicPtr<Registration<S>>,
}

impl<S: Listed> Live<S> {
    pub(crate) const fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Puts a pool on the list, unless it is there.
    pub(crate) fn add(&self, store: &'static S) {
        if store.place().registration().is_some() {
            return;
        }
        // On some systems `current` is a system call.
        if HOME.load(Relaxed) == 0 {
            let _ = HOME.compare_exchange(0, process::current(), Relaxed, Relaxed);
        }
        // Before the pool is listed: its library may be unloaded from then on.
        let outlived = library::watch(store.library());
        let registration = Box::leak(Box::new(Registration {
            store,
            name: if outlived { kept(store.own_name()) } else { store.own_name() },
            next: AtomicPtr::default(),
            marked: AtomicBool::new(false),
            pending: AtomicU32::new(0),
            pending_in: AtomicU32::new(0),
            #[cfg(feature = "tracing")]
            told: AtomicBool::new(false),
        }));
        let mut head = self.head.load(Relaxed);
        loop {
            registration.next.store(head, Relaxed);
            match self.head.compare_exchange_weak(head, registration, Release, Relaxed) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        // Release: pairs with `listed`; a thread that sees the registration named here finds it in the list.
        if store.place().0.compare_exchange(ptr::null_mut(), registration, Release, Relaxed).is_err() {
            registration.marked.store(true, Relaxed);
        }
    }

    /// The pools of the list. The lock is held. The caller uses them no longer than that, but through a `PoolHandle`.
    pub(crate) fn listed(&self) -> Vec<&'static S> {
        let mut stores = Vec::new();
        let mut next = &self.head;
        while let Some(registration) = after(next) {
            // If the registration is not marked, the store is there (invariant 5 of `registry`).
            if !registration.marked.load(Relaxed) && registration.is_own() {
                stores.push(registration.store);
            }
            next = &registration.next;
        }
        stores
    }

    /// Takes registrations out of the list. The lock is held.
    #[allow(dead_code, reason = "only glibc tells that a library is unloaded")]
    pub(crate) fn take_out(&self, is_wanted: impl Fn(&Registration<S>) -> bool) -> Vec<&'static Registration<S>> {
        let mut wanted = Vec::new();
        let mut next = &self.head;
        while let Some(registration) = after(next) {
            if !is_wanted(registration) {
                next = &registration.next;
                continue;
            }
            let rest = registration.next.load(Acquire);
            // Release: pairs with the loads of the list. If the exchange fails, other threads have added pools in front: it begins again there.
            match next.compare_exchange(ptr::from_ref(registration).cast_mut(), rest, Release, Relaxed) {
                Ok(_) => wanted.push(registration),
                Err(_) => next = &self.head,
            }
        }
        wanted
    }
}

/// The registration that a link of the list leads to. The lock is held.
fn after<S>(link: &AtomicPtr<Registration<S>>) -> Option<&'static Registration<S>> {
    // SAFETY: a registration is freed under the lock, and not before it is out of the list.
    unsafe { link.load(Acquire).as_ref() }
}

/// A copy of a name, which is never freed. All pools of this name share it, those of libraries that have been unloaded, too.
pub(crate) fn kept(name: &str) -> &'static str {
    struct Kept {
        name: Box<str>,
        next: *mut Kept,
    }
    static NAMES: AtomicPtr<Kept> = AtomicPtr::new(ptr::null_mut());

    let mut known = ptr::null_mut();
    let mut made: Option<Box<Kept>> = None;
    loop {
        // Acquire: pairs with the exchange below.
        let first = NAMES.load(Acquire);
        let mut next = first;
        while next != known {
            // SAFETY: a name in this list is never freed.
            let kept: &'static Kept = unsafe { &*next };
            if *kept.name == *name {
                return &kept.name;
            }
            next = kept.next;
        }
        // The names from here on have been looked at, and are not looked at again.
        known = first;
        let mut new = made.take().unwrap_or_else(|| Box::new(Kept { name: name.into(), next: first }));
        new.next = first;
        let new = Box::into_raw(new);
        match NAMES.compare_exchange(first, new, Release, Relaxed) {
            // SAFETY: the name is in the list from now on, and never freed.
            Ok(_) => return unsafe { &(*new).name },
            // SAFETY: made above, and not in the list.
            Err(_) => made = Some(unsafe { Box::from_raw(new) }),
        }
    }
}
