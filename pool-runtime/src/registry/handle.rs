//! [`PoolHandle`], a pool without its type.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::fmt;
use core::ptr;

use crate::machine::cpus::recount;
use crate::registry::leave::{StillInUse, leave};
use crate::registry::sweeps::{settled_stats, sweep_one};
use crate::registry::work::Work;
use crate::stats::Stats;
use crate::storage::store::Store;

/// A pool of the process, whatever its type. [`Pool`](crate::Pool) dereferences to it, and [`pools`](super::pools) lists it.
///
/// It is not to be used once the library is unloaded that the pool is part of: see [libraries](crate::libraries).
#[repr(transparent)]
pub struct PoolHandle(pub(crate) Store);

impl PoolHandle {
    pub(crate) fn of(store: &'static Store) -> &'static Self {
        // SAFETY: a handle is a store (`transparent`), and every store is that of a handle: of a pool's.
        unsafe { &*ptr::from_ref(store).cast::<Self>() }
    }

    /// The pool's name: the type's path, or the key `name` of the derive.
    pub fn name(&'static self) -> &'static str {
        self.0.name()
    }

    /// The statistics of the pool.
    ///
    /// Reads a few numbers of each slot; stops no thread.
    pub fn stats(&'static self) -> Stats {
        self.0.stats()
    }

    /// The statistics of the pool at one moment: for tests, and for a shutdown that checks whether objects are still in use.
    ///
    /// All numbers are exact, whatever other threads do: no object is counted twice, and none is passed over. The object of an acquire that has not
    /// returned is in use once it has left its place, or has been counted as made. The object of a release that has not returned is in use until it
    /// has a place.
    ///
    /// It stops the pool and waits as [`collect`](crate::collect) does, and like that is not for signal handlers. For less than a microsecond for
    /// each few slots it holds all lists of the pool at once. A release of that moment that would put its object there drops it
    /// ([`busy`](crate::stats::Dropped::busy)), and an acquire makes an object. So it is not for a call a second: [`stats`](Self::stats) is.
    ///
    /// `None` if the system refuses to get the threads out of the local stacks ([`unfenced`](Stats::unfenced)), or if other threads make and drop
    /// objects of this pool without a pause. In a child of `fork`, objects that were in use in the parent are in use, and so are those that a sweep
    /// of another thread of the parent had taken out of the pool, and those that the sweeping thread was about to weigh. If a thread of the parent
    /// held a lock of the pool at the fork, each call in the child returns `None`, after 0.1 s.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_runtime::Pooled;
    ///
    /// #[derive(Default, Pooled)]
    /// struct Line(Vec<u8>);
    ///
    /// let held = Line::acquire();
    /// drop(Line::acquire());
    /// let stats = Line::pool().settled_stats().expect("the pool can be stopped here");
    /// assert_eq!((stats.in_use, stats.idle), (1, 1));
    /// # drop(held);
    /// ```
    pub fn settled_stats(&'static self) -> Option<Stats> {
        settled_stats(&self.0)
    }

    /// How many objects are in the pool, victims included.
    ///
    /// Exact while no other thread uses the pool. While others do, an object that moves from one place to another may be
    /// counted twice or not at all, so the sum may be a little more than [`max_idle`](Self::max_idle), which the pool
    /// never holds.
    pub fn idle(&'static self) -> usize {
        self.0.idle()
    }

    /// How many objects the pool may keep.
    pub fn max_idle(&'static self) -> usize {
        self.0.bound.max()
    }

    /// Sets how many objects the pool may keep.
    ///
    /// The limit is a number of objects, not bytes, over all CPUs together. Objects above it are dropped at once, by the calling thread. Zero keeps
    /// none; the largest limit is that of [`Pool::with_max_idle`](crate::Pool::with_max_idle). If several threads set a limit, that of the last
    /// holds. The call waits as [`collect`](crate::collect) does, and like that is not for signal handlers.
    ///
    /// # Panics
    ///
    /// As for [`collect`](Self::collect).
    pub fn set_max_idle(&'static self, n: usize) {
        let before = self.0.bound.max();
        self.0.bound.set_max(n);
        sweep_one(Work::Bound(&self.0, before), &self.0, Store::take_above).go_on();
    }

    /// Drops every idle object of this pool, as [`collect`](crate::collect) does for all pools. Not from a signal handler.
    ///
    /// # Panics
    ///
    /// If the `Drop` of an object panics: all the others are dropped first, and then the first panic goes on.
    pub fn collect(&'static self) {
        sweep_one(Work::CollectOf(&self.0), &self.0, Store::take_all).go_on();
    }

    /// Takes one ageing step in this pool, as [`age`](crate::age) does in all pools. Not from a signal handler.
    ///
    /// # Panics
    ///
    /// As for [`collect`](Self::collect).
    pub fn age(&'static self) {
        recount();
        sweep_one(Work::AgeOf(&self.0), &self.0, Store::take_aged).go_on();
    }

    /// Takes the pool out of the registry, before the library is unloaded that it is part of: its idle objects are dropped, and
    /// no other thread reads it any more.
    ///
    /// On Linux with glibc this happens by itself when a library is unloaded. The call is for other systems, and for a library that wants to know
    /// beforehand whether it can be unloaded: see [libraries](crate::libraries). A pool that has left can be used all the same; then it is in the
    /// registry again.
    ///
    /// It waits as [`collect`](crate::collect) does, and until the sweeps of other threads have dropped the objects that they have taken out of this
    /// pool. So it is not to be called in the `Drop` of an object of the pool.
    ///
    /// # Errors
    ///
    /// If objects of the pool are in use. Then nothing has changed.
    ///
    /// # Panics
    ///
    /// As for [`collect`](Self::collect).
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_runtime::Pooled;
    ///
    /// #[derive(Default, Pooled)]
    /// struct Line(Vec<u8>);
    ///
    /// let line = Line::acquire();
    /// assert_eq!(Line::pool().leave().unwrap_err().objects(), 1);
    /// drop(line);
    /// assert!(Line::pool().leave().is_ok());
    /// ```
    pub fn leave(&'static self) -> Result<(), StillInUse> {
        leave(&self.0)
    }
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolHandle").field(&self.0.name()).finish()
    }
}
