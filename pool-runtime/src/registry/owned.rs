//! A pool that is a value gets a storage when it is made, and gives it up when it is dropped. The invariants are those of `life`.

use core::sync::atomic::Ordering::Relaxed;

use crate::machine::decision;
use crate::machine::library::Library;
use crate::slots::object::{Dispose, Weigh};
use crate::storage::drops::{Inside, Pending, Swept, drop_all};
use crate::storage::life::{DropHooks, Key, Life};
use crate::storage::owned::KINDS;
use crate::storage::store::Store;
use crate::storage::sweeping::lock;

/// The properties of a pool's objects, for a storage.
pub(crate) struct Objects {
    pub(crate) size: usize,
    pub(crate) weigh: Option<Weigh>,
    pub(crate) dispose: Dispose,
    pub(crate) library: fn() -> Library,
}

/// A storage for a pool of this kind, with these hooks, which are of the kind's type.
pub(crate) fn open(
    key: Key,
    drop_hooks: DropHooks,
    objects: &Objects,
    max_idle: Option<usize>,
    hooks: *mut (),
) -> &'static Life<Store> {
    let _no_sweep = lock();
    let (kind, free) = KINDS.take(key, drop_hooks);
    let life = free.unwrap_or_else(|| {
        let store = Store::new(key.name, objects.dispose, objects.library).with_local(key.local);
        store.with_weight(objects.size, objects.weigh).begin(kind)
    });
    life.storage().renew(max_idle);
    life.renew(hooks);
    life
}

/// Takes the storage from a pool that is dropped: its idle objects are dropped, and no object comes in any more.
pub(crate) fn close(life: &'static Life<Store>) -> Swept {
    let store = life.storage();
    let mut swept = Swept::default();
    let Some(registration) = store.registration() else {
        // It was never used: no other thread has it.
        life.close();
        swept.hand_over(life);
        return swept;
    };
    // The thread stays inside, so that no other settles the pool meanwhile.
    let inside = Inside::enter(store);
    let (taken, is_still) = {
        let _one_at_a_time = lock();
        // If pooling is off it was not started, and nothing is idle.
        let fenced = !store.tables.stop() || decision::fence();
        registration.marked.store(true, Relaxed);
        let taken = Pending::new(store, store.take_for_good(fenced));
        life.close();
        (taken, fenced)
    };
    swept = drop_all(taken);
    match inside {
        Some(inside) if is_still => inside.end(&mut swept),
        // A sequence that began before the stop may put an object onto a stack: the storage, with its objects, is lost.
        Some(inside) => core::mem::forget(inside),
        None => {}
    }
    swept
}
