//! The pools of other crates, used as their documentation shows.
//!
//! If a crate leaves the reset to its user, the object is reset just before it goes back, as ours is.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::thread;

use super::object::BOUND;
use super::{Contestant, Discard, Object};

/// A guard of a pool that does not reset.
pub(crate) struct Cleaned<G: DerefMut<Target = Object>>(G);

impl<G: DerefMut<Target = Object>> Deref for Cleaned<G> {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        &self.0
    }
}

impl<G: DerefMut<Target = Object>> DerefMut for Cleaned<G> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Object {
        &mut self.0
    }
}

impl<G: DerefMut<Target = Object>> Drop for Cleaned<G> {
    #[inline]
    fn drop(&mut self) {
        self.0.reset();
    }
}

pub(crate) struct RegexAutomata;

impl Contestant for RegexAutomata {
    type Pool = regex_automata::util::pool::Pool<Object>;
    type Held<'a> = Cleaned<regex_automata::util::pool::PoolGuard<'a, Object, fn() -> Object>>;

    fn pool() -> Self::Pool {
        regex_automata::util::pool::Pool::new(Object::counted)
    }

    #[inline]
    fn acquire(pool: &Self::Pool) -> Self::Held<'_> {
        Cleaned(pool.get())
    }
}

pub(crate) struct ObjectPool;

impl Contestant for ObjectPool {
    type Pool = object_pool::Pool<Object>;
    type Held<'a> = Pulled<'a>;

    fn pool() -> Self::Pool {
        object_pool::Pool::new(0, Object::counted)
    }

    #[inline]
    fn acquire(pool: &Self::Pool) -> Pulled<'_> {
        Pulled(Some(pool.pull(Object::counted)))
    }
}

impl Discard for ObjectPool {
    fn discard(mut held: Pulled<'_>) {
        drop(held.0.take().map(object_pool::Reusable::detach));
    }
}

/// As [`Cleaned`], for a guard that can be taken apart. `None` only while it is dropped.
pub(crate) struct Pulled<'a>(Option<object_pool::Reusable<'a, Object>>);

impl Deref for Pulled<'_> {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        self.0.as_deref().expect("in use")
    }
}

impl DerefMut for Pulled<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Object {
        self.0.as_deref_mut().expect("in use")
    }
}

impl Drop for Pulled<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(object) = &mut self.0 {
            object.reset();
        }
    }
}

pub(crate) struct LockfreeLinear;

impl Contestant for LockfreeLinear {
    type Pool = lockfree_object_pool::LinearObjectPool<Object>;
    type Held<'a> = lockfree_object_pool::LinearReusable<'a, Object>;

    fn pool() -> Self::Pool {
        lockfree_object_pool::LinearObjectPool::new(Object::counted, Object::reset)
    }

    #[inline]
    fn acquire(pool: &Self::Pool) -> Self::Held<'_> {
        pool.pull()
    }
}

pub(crate) struct Opool;

/// Makes and resets.
pub(crate) struct OpoolAllocator;

impl opool::PoolAllocator<Object> for OpoolAllocator {
    #[inline]
    fn allocate(&self) -> Object {
        Object::counted()
    }

    #[inline]
    fn reset(&self, object: &mut Object) {
        object.reset();
    }
}

impl Contestant for Opool {
    type Pool = opool::Pool<OpoolAllocator, Object>;
    type Held<'a> = opool::RefGuard<'a, OpoolAllocator, Object>;

    fn pool() -> Self::Pool {
        opool::Pool::new(BOUND, OpoolAllocator)
    }

    #[inline]
    fn acquire(pool: &Self::Pool) -> Self::Held<'_> {
        pool.get()
    }
}

impl Discard for Opool {
    fn discard(held: Self::Held<'_>) {
        drop(held.into_inner());
    }
}

pub(crate) struct ShardedSlab;

impl sharded_slab::Clear for Object {
    #[inline]
    fn clear(&mut self) {
        self.reset();
    }
}

/// A guard that also frees the key: the crate keeps an object until it is told to clear it.
pub(crate) struct Keyed<'a> {
    /// `None` only while it is dropped.
    object: Option<sharded_slab::pool::RefMut<'a, Object>>,
    pool: &'a sharded_slab::Pool<Object>,
}

impl Deref for Keyed<'_> {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        self.object.as_deref().expect("in use")
    }
}

impl DerefMut for Keyed<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Object {
        self.object.as_deref_mut().expect("in use")
    }
}

impl Drop for Keyed<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            let key = object.key();
            drop(object);
            self.pool.clear(key);
        }
    }
}

impl Contestant for ShardedSlab {
    type Pool = sharded_slab::Pool<Object>;
    type Held<'a> = Keyed<'a>;

    fn pool() -> Self::Pool {
        sharded_slab::Pool::new()
    }

    #[inline]
    fn acquire(pool: &Self::Pool) -> Keyed<'_> {
        Keyed { object: Some(pool.create().expect("room")), pool }
    }
}

/// sharded-slab with its guard that may go to another thread, which counts references to the pool.
pub(crate) struct ShardedSlabOwned;

pub(crate) struct KeyedOwned {
    /// `None` only while it is dropped.
    object: Option<sharded_slab::pool::OwnedRefMut<Object>>,
    pool: Arc<sharded_slab::Pool<Object>>,
}

impl Deref for KeyedOwned {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        self.object.as_deref().expect("in use")
    }
}

impl DerefMut for KeyedOwned {
    #[inline]
    fn deref_mut(&mut self) -> &mut Object {
        self.object.as_deref_mut().expect("in use")
    }
}

impl Drop for KeyedOwned {
    #[inline]
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            let key = object.key();
            drop(object);
            self.pool.clear(key);
        }
    }
}

impl Contestant for ShardedSlabOwned {
    type Pool = Arc<sharded_slab::Pool<Object>>;
    type Held<'a> = KeyedOwned;

    fn pool() -> Self::Pool {
        Arc::new(sharded_slab::Pool::new())
    }

    #[inline]
    fn acquire(pool: &Self::Pool) -> KeyedOwned {
        KeyedOwned { object: Some(pool.clone().create_owned().expect("room")), pool: pool.clone() }
    }
}

/// Only one thread may acquire from such a pool, and any thread may release, so each thread has its own pool.
pub(crate) struct NexusSync;

/// A bounded pool makes all its objects at once.
pub(crate) const NEXUS_CAPACITY: usize = 256;

thread_local! {
    static NEXUS: nexus_pool::sync::Pool<Object> =
        nexus_pool::sync::Pool::new(NEXUS_CAPACITY, Object::counted, Object::reset);
}

impl Contestant for NexusSync {
    type Pool = ();
    type Held<'a> = nexus_pool::sync::Pooled<Object>;

    fn pool() {}

    #[inline]
    fn acquire((): &()) -> Self::Held<'_> {
        NEXUS.with(|pool| {
            loop {
                if let Some(object) = pool.try_acquire() {
                    return object;
                }
                // All are on their way to another thread, or back from it.
                thread::yield_now();
            }
        })
    }
}

pub(crate) struct DynamicPool;

impl dynamic_pool::DynamicReset for Object {
    fn reset(&mut self) {
        Object::reset(self);
    }
}

impl Contestant for DynamicPool {
    type Pool = dynamic_pool::DynamicPool<Object>;
    type Held<'a> = dynamic_pool::DynamicPoolItem<Object>;

    fn pool() -> Self::Pool {
        dynamic_pool::DynamicPool::new(0, BOUND, Object::counted)
    }

    #[inline]
    fn acquire(pool: &Self::Pool) -> Self::Held<'_> {
        pool.take()
    }
}

impl Discard for DynamicPool {
    fn discard(held: Self::Held<'_>) {
        drop(held.detach());
    }
}

pub(crate) struct EasyPool;

impl easy_pool::Clear for Object {
    #[inline]
    fn clear(&mut self) {
        self.reset();
    }
}

impl Contestant for EasyPool {
    type Pool = Arc<easy_pool::PoolMutex<Object>>;
    type Held<'a> = easy_pool::PoolObjectContainer<Object>;

    fn pool() -> Self::Pool {
        Arc::new(easy_pool::PoolMutex::with_config(0, BOUND))
    }

    #[inline]
    fn acquire(pool: &Self::Pool) -> Self::Held<'_> {
        pool.create_with(Object::counted)
    }
}

pub(crate) struct Swimmer;

impl swimmer::Recyclable for Object {
    fn new() -> Self {
        Object::counted()
    }

    #[inline]
    fn recycle(&mut self) {
        self.reset();
    }
}

impl Contestant for Swimmer {
    type Pool = swimmer::Pool<Object>;
    type Held<'a> = swimmer::Recycled<'a, Object>;

    fn pool() -> Self::Pool {
        swimmer::Pool::new()
    }

    #[inline]
    fn acquire(pool: &Self::Pool) -> Self::Held<'_> {
        pool.get()
    }
}
