//! Pools that are values, in sweeps of all pools.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use pool_runtime::{OwnedGuard, OwnedPool, Reset, registry};
use tests::counted::{Counted, Tally};

/// A sweep of another test would have this test's objects in its hands.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn a_pool_is_in_the_registry_while_it_lives() {
    let _one_at_a_time = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = OwnedPool::builder(String::new).name("a name".to_owned() + " that is made").build();
    drop(pool.acquire());
    let is_listed = || registry::stats().iter().any(|stats| stats.name == "a name that is made");
    assert!(is_listed());
    pool_runtime::collect();
    assert_eq!(pool.idle(), 0);
    drop(pool.acquire());
    pool_runtime::age();
    assert_eq!(pool.stats().victims, 1);
    let held = pool.acquire();
    drop(pool);
    assert!(!is_listed());
    drop(held);
}

#[test]
fn ten_thousand_pools_at_once() {
    let _one_at_a_time = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    static TALLY: Tally = Tally::new();
    let pools: Vec<_> = (0..10_000).map(|_| OwnedPool::builder(|| TALLY.make()).name("ten thousand").build()).collect();
    let held: Vec<_> = pools.iter().map(OwnedPool::acquire).collect();
    pools.iter().for_each(|pool| drop(pool.acquire()));
    assert_eq!(TALLY.alive(), 20_000);
    pool_runtime::collect();
    assert_eq!(TALLY.alive(), 10_000);
    let sum: usize =
        registry::stats().iter().filter(|stats| stats.name == "ten thousand").map(|stats| stats.in_use).sum();
    assert_eq!(sum, 10_000);
    drop(pools);
    drop(held);
    assert_eq!(TALLY.alive(), 0);
}

/// An object that owns its pool: the pool is dropped by the sweep that drops the object, or by the drop of the object's guard.
#[test]
fn a_pool_may_be_dropped_in_the_drop_of_its_object() {
    let _one_at_a_time = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    struct Node {
        _pool: Option<Arc<OwnedPool<Node>>>,
        _counted: Counted,
    }
    impl Reset for Node {
        fn reset(&mut self) {}
    }
    static TALLY: Tally = Tally::new();
    let node = || Node { _pool: None, _counted: TALLY.make() };
    let cycle = || {
        let pool: Arc<OwnedPool<Node>> = Arc::new(OwnedPool::new(Box::new(node)));
        let mut first = pool.acquire();
        drop(pool.acquire());
        first._pool = Some(Arc::clone(&pool));
        (first, Arc::downgrade(&pool))
    };
    let gone = |pool: Weak<OwnedPool<Node>>| assert!(pool.upgrade().is_none());
    // In a sweep.
    let (first, pool) = cycle();
    drop(first);
    assert!(pool.upgrade().is_some());
    pool_runtime::collect();
    gone(pool);
    // In the drop of a guard, whose object is dropped.
    let (first, pool) = cycle();
    OwnedGuard::discard(first);
    gone(pool);
    assert_eq!(TALLY.alive(), 0);
}
