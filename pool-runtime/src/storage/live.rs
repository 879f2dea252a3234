//! The list of the live pools: how one enters it, and how a registration is taken out. Its invariants, and what orders it, are those of `registry`.

use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32};

use crate::machine::process;
use crate::registry::library;
use crate::storage::store::Store;
use crate::storage::sweeping::try_lock;

/// A pool's place in the list.
pub(crate) struct Registration {
    pub(crate) store: &'static Store,
    name: &'static str,
    next: AtomicPtr<Registration>,
    /// It does not count: the pool has left, or another registration is the pool's.
    pub(crate) marked: AtomicBool,
    /// How many threads have objects of the pool that they are about to drop, after a sweep.
    pub(crate) pending: AtomicU32,
    /// The process that these are threads of: a forked child has none of them.
    pub(crate) pending_in: AtomicU32,
}

impl Registration {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the pool has left. Exact under the lock, a guess for others.
    pub(crate) fn has_left(&self) -> bool {
        self.marked.load(Relaxed)
    }

    /// Lets a pool run again that is stopped, and no sweep of this process is at work that would do it: the pool has left, or a fork has
    /// copied it in the middle of a sweep.
    pub(crate) fn come_back(&self) {
        let Some(_no_sweep) = try_lock() else { return };
        self.marked.store(false, Relaxed);
        if self.store.tables.is_stopped() {
            self.store.tables.restart();
        }
    }

    /// Whether a thread of this process has it pending.
    pub(crate) fn is_pending(&self) -> bool {
        // Acquire: pairs with `Pending`; what the `Drop` of an object has done comes before.
        self.pending.load(Acquire) > 0 && self.pending_in.load(Relaxed) == process::current()
    }
}

static HEAD: AtomicPtr<Registration> = AtomicPtr::new(ptr::null_mut());

/// The process in which the first pool was used.
static HOME: AtomicU32 = AtomicU32::new(0);

/// Puts a pool on the list, unless it is there.
pub(crate) fn add(store: &'static Store) {
    if !store.registration.load(Acquire).is_null() {
        return;
    }
    // Asking is a system call on some systems.
    if HOME.load(Relaxed) == 0 {
        let _ = HOME.compare_exchange(0, process::current(), Relaxed, Relaxed);
    }
    // Before the pool is listed: its library may be unloaded from then on.
    let outlived = library::watch((store.library)());
    let registration = Box::leak(Box::new(Registration {
        store,
        name: if outlived { kept(store.own_name) } else { store.own_name },
        next: AtomicPtr::default(),
        marked: AtomicBool::new(false),
        pending: AtomicU32::new(0),
        pending_in: AtomicU32::new(0),
    }));
    let mut head = HEAD.load(Relaxed);
    loop {
        registration.next.store(head, Relaxed);
        match HEAD.compare_exchange_weak(head, registration, Release, Relaxed) {
            Ok(_) => break,
            Err(now) => head = now,
        }
    }
    // Release: pairs with `listed`; a thread that sees the registration named here finds it in the list.
    if store.registration.compare_exchange(ptr::null_mut(), registration, Release, Relaxed).is_err() {
        registration.marked.store(true, Relaxed);
    }
}

/// A copy of a name, which is never freed: one for all pools of this name, of libraries that have been unloaded, too.
fn kept(name: &'static str) -> &'static str {
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
            // SAFETY: what is in this list is never freed.
            let kept: &'static Kept = unsafe { &*next };
            if *kept.name == *name {
                return &kept.name;
            }
            next = kept.next;
        }
        // What was in the list before need not be looked at again.
        known = first;
        let mut new = made.take().unwrap_or_else(|| Box::new(Kept { name: name.into(), next: first }));
        new.next = first;
        let new = Box::into_raw(new);
        match NAMES.compare_exchange(first, new, Release, Relaxed) {
            // SAFETY: in the list from now on, where nothing is freed.
            Ok(_) => return unsafe { &(*new).name },
            // SAFETY: made above, and not in the list.
            Err(_) => made = Some(unsafe { Box::from_raw(new) }),
        }
    }
}

/// Whether this process is a child of the one in which the first pool was used, made by `fork` without `exec`.
pub(crate) fn is_forked() -> bool {
    HOME.load(Relaxed) != process::current()
}

/// The pools of the list. The lock is held, and the pools are used no longer than that, but through a [`PoolHandle`].
pub(crate) fn listed() -> Vec<&'static Store> {
    let mut stores = Vec::new();
    let mut place = &HEAD;
    // SAFETY: a registration is freed under the lock, and not before it is out of the list.
    while let Some(registration) = unsafe { place.load(Acquire).as_ref() } {
        // Where it is not marked the store is there (invariant 5 of `registry`).
        if !registration.marked.load(Relaxed) && ptr::eq(registration.store.registration.load(Acquire), registration) {
            stores.push(registration.store);
        }
        place = &registration.next;
    }
    stores
}

/// Takes registrations out of the list. The lock is held.
pub(crate) fn take_out(is_wanted: impl Fn(&Registration) -> bool) -> Vec<&'static Registration> {
    let mut wanted = Vec::new();
    let mut place = &HEAD;
    // SAFETY: as in `listed`.
    while let Some(registration) = unsafe { place.load(Acquire).as_ref() } {
        if !is_wanted(registration) {
            place = &registration.next;
            continue;
        }
        let next = registration.next.load(Acquire);
        // Release: pairs with the loads of the list. If it fails, other threads have added pools in front: then from there.
        match place.compare_exchange(ptr::from_ref(registration).cast_mut(), next, Release, Relaxed) {
            Ok(_) => wanted.push(registration),
            Err(_) => place = &HEAD,
        }
    }
    wanted
}
