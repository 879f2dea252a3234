//! The live pools of the process, and the operations on all of them. The list is in `live`, the lock in `sweeping`, and the drop of objects that a
//! sweep has taken out in `drops`.
//!
//! # Invariants
//!
//! 1. A pool enters the list at its first use, without a lock, before it is started. Its registration stays until its library is unloaded, and so do
//!    the name and the pool that it names. A pool that [leaves](crate::registry::PoolHandle::leave) is marked, and stays stopped; its first use from
//!    then on, which misses and goes the slow way, takes the mark off.
//! 2. Threads that use a pool first at the same moment may each add a registration. The registration that the pool's own pointer names counts; each
//!    thread marks its other one.
//! 3. One sweep runs at a time. User code never runs inside a sweep: the objects that it takes are dropped after it.
//! 4. The lock names the process that holds it (`process`). A forked child takes over a lock that a thread of its parent holds, since that thread
//!    does not exist there. The objects that the parent's sweep was about to drop are lost to the child, but for the room that they took up
//!    (invariant 5 of `bound`). A pool that this sweep had stopped is let run by its first use that finds it stopped, or by the child's first sweep.
//! 5. Registrations are read, marked and taken out under the lock alone. The pool of a registration is read only if the registration is not marked,
//!    so a marked registration may outlive its pool.
//! 6. A thread that has taken objects out of a pool has the pool's registration *pending* until they are dropped, since their `Drop` is the library's
//!    code. When a library is unloaded, its registrations are first taken out of the list, so that no thread begins; then the unloading thread waits
//!    for those that have begun. Then no thread uses its pools.
//!
//! # Orderings
//!
//! A registration is published with `Release`, and the list is read with `Acquire`. The sweep lock is taken with `Acquire` and left with `Release`.
//! The end of *pending* is written with `Release` and read with `Acquire`.

mod handle;
#[cfg(feature = "diagnose")]
pub(crate) mod in_use;
pub(crate) mod leave;
pub(crate) mod owned;
pub(crate) mod rows;
pub(crate) mod sweeps;
#[cfg_attr(not(feature = "tracing"), path = "no_telling.rs")]
mod telling;
mod work;

pub use handle::PoolHandle;
#[cfg(feature = "diagnose")]
pub use in_use::{AtEnd, in_use_report, report_at_end};
pub use leave::StillInUse;

use crate::registry::sweeps::{age_all, collect_all};
use crate::stats::AllStats;
use crate::storage::store::{POOLS, Store};
use crate::storage::sweeping::lock;

/// Clears every pool of the process: all objects that are idle when it begins are dropped, by the calling thread,
/// before it returns.
///
/// Objects in use are not touched, and acquire and release go on everywhere meanwhile. A call may wait for another `collect` or [`age`], and for a
/// thread that is moving idle objects at this moment, which runs no user code in between. A wait that is longer than some yields is a sleep, so that
/// a thread with a real-time policy lets the other run. It may be called from anywhere, a `Drop` inside of a `collect` included, but not from a
/// memory allocator or a signal handler.
///
/// Costs a visit to each slot of each pool, and the drops. Objects that another thread has taken out to drop, or weighs in an ageing step of its own,
/// are dropped by that thread.
///
/// On Linux a filter may refuse the calls with which a sweep gets the threads of the process out of its pools ([system calls](crate::system_calls)).
/// Then the local stacks are left alone: the objects there stay idle, and are counted as such, and [`Stats::unfenced`](crate::stats::Stats::unfenced)
/// counts the sweep.
///
/// # Panics
///
/// If the `Drop` of an object panics, or its `weigh`: all are dropped first, and then the first panic goes on.
///
/// # Signal handlers
///
/// Not to be called from a handler: the call may wait for the thread that the handler has interrupted, and so for ever. A handler sets a flag, or
/// writes to a pipe, for a thread that collects.
///
/// # Examples
///
/// ```
/// use pool_runtime::Pooled;
///
/// #[derive(Default, Pooled)]
/// struct Line(Vec<u8>);
///
/// drop(Line::acquire());
/// pool_runtime::collect();
/// assert_eq!(Line::pool().idle(), 0);
/// ```
pub fn collect() {
    collect_all().go_on();
}

/// Takes one ageing step in every pool of the process: objects that were idle at the last step and have not been
/// acquired since are dropped; those that are idle now are next in turn.
///
/// Called at an interval, it lets a pool shrink to as many objects as its program has used in an interval. It waits and costs as [`collect`] does,
/// and a system call more: pools without a bound of their own follow the number of CPUs that the process may use by now. Each object whose type tells
/// its weight (the derive's key `weigh`) is asked for it.
///
/// # Panics
///
/// As for [`collect`], and if a `weigh` panics: that costs its object, and no other.
///
/// # Signal handlers
///
/// Not to be called from a handler, as for [`collect`].
///
/// # Examples
///
/// ```
/// use pool_runtime::Pooled;
///
/// #[derive(Default, Pooled)]
/// struct Line(Vec<u8>);
///
/// drop(Line::acquire());
/// pool_runtime::age();
/// assert_eq!(Line::pool().idle(), 1);
/// pool_runtime::age();
/// assert_eq!(Line::pool().idle(), 0);
/// ```
pub fn age() {
    age_all().go_on();
}

/// The statistics of every pool that has been used, in no particular order. Printed, they are a table.
///
/// Costs a few loads for each slot of each pool, for 1,000 pools about 0.1 ms, and stops no acquire and no release. It may wait for a [`collect`] or
/// an [`age`] of another thread, but not for their drops. So, like those, it is not to be called from a memory allocator or a signal handler. A name
/// stays valid when the library of its pool is unloaded.
///
/// # Examples
///
/// ```
/// println!("{}", pool_runtime::registry::stats());
/// ```
pub fn stats() -> AllStats {
    let _lock = lock();
    AllStats(POOLS.listed().into_iter().map(Store::stats).collect())
}

/// Every pool that has been used, in no particular order. It may wait as [`stats`] does.
///
/// The handle of an [`OwnedPool`](crate::OwnedPool) is that of its memory: once the pool is dropped it may be the handle of a later pool of the same
/// [kind](crate::owned::Builder::name).
///
/// # Examples
///
/// ```
/// for pool in pool_runtime::registry::pools() {
///     println!("{}: {} idle of at most {}", pool.name(), pool.idle(), pool.max_idle());
/// }
/// ```
pub fn pools() -> Vec<&'static PoolHandle> {
    let _lock = lock();
    POOLS.listed().into_iter().map(PoolHandle::of).collect()
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use core::sync::atomic::Ordering::Release;

    use super::*;
    use crate::machine::process;
    use crate::storage::sweeping::SWEEPING;
    use crate::{Pool, Pooled};

    /// As in a child of `fork`, which has the lock and the pool as a thread of its parent had them at that moment.
    #[test]
    fn a_pool_that_another_process_has_stopped_runs_again_when_it_is_used() {
        struct Page;
        impl Pooled for Page {
            fn pool() -> &'static Pool<Self> {
                static POOL: Pool<Page> = Pool::new("page");
                &POOL
            }
            fn create_object() -> Self {
                Self
            }
            fn reset_object(_: &mut Self) {}
        }

        drop(Page::acquire());
        let PoolHandle(store) = pools().into_iter().find(|pool| pool.name() == "page").expect("it was used");
        if crate::machine::decision::is_off() {
            return;
        }
        // Sweeps of other tests take the lock over, too; they do not let this pool run.
        core::mem::forget(lock());
        store.tables.stop();
        Page::prefill(1);
        assert!(!store.tables.is_running(), "a sweep of this process will let it run");
        SWEEPING.store(process::current() + 1, Release);
        // A sweep of another test may have the lock by now.
        let runs = (0..10_000).any(|_| {
            Page::prefill(1);
            std::thread::yield_now();
            store.tables.is_running()
        });
        assert!(runs);
    }
}
