//! Pools that are values: each does all that a static pool does, and its memory is the next pool's when it and its last guard are gone. No test
//! here sweeps all pools, since the others count each object: those tests are in `owned_swept`.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use pool_runtime::owned::Hooks;
use pool_runtime::{OnPanic, OwnedGuard, OwnedPool, Pooled, Reset, registry};
use tests::counted::{Counted, Tally};

/// A type that has a reset, and no pool of its own.
#[derive(Reset)]
struct Page {
    bytes: Vec<u8>,
    #[pooled(keep)]
    counted: Counted,
}

type Boxed<T> = Box<dyn Fn() -> T + Send + Sync>;

fn boxed<T>(create: impl Fn() -> T + Send + Sync + 'static) -> Boxed<T> {
    Box::new(create)
}

/// A pool of pages, which no other test has by this name.
fn pages(name: &'static str, tally: &'static Tally) -> OwnedPool<Page> {
    OwnedPool::builder(boxed(move || Page { bytes: Vec::new(), counted: tally.make() })).name(name).build()
}

fn is_listed(name: &str) -> bool {
    registry::stats().iter().any(|stats| stats.name == name)
}

#[test]
fn an_object_comes_back_reset_and_with_its_memory() {
    let pool = OwnedPool::new(|| Vec::<u8>::with_capacity(100));
    let mut first = pool.acquire();
    first.extend_from_slice(b"hello");
    let address = first.as_ptr();
    drop(first);
    let second = pool.acquire();
    assert_eq!((second.len(), second.as_ptr()), (0, address));
    assert_eq!(pool.name(), std::any::type_name::<Vec<u8>>());
}

/// A generic type has a static pool for each instance, and may be in pools that are values, too.
#[test]
fn a_type_with_a_static_pool_may_be_in_others() {
    #[derive(Default, Pooled, Reset)]
    #[pooled(instances(Buf<u8>))]
    struct Buf<T>(Vec<T>);

    let others = OwnedPool::new(|| Buf(Vec::<u16>::with_capacity(10)));
    let bytes = OwnedPool::new(Buf::<u8>::default);
    others.acquire().0.push(1);
    bytes.acquire().0.push(1);
    Buf::<u8>::acquire().0.push(1);
    assert!(others.acquire().0.is_empty() && bytes.acquire().0.is_empty());
    assert_eq!((others.idle(), bytes.idle(), Buf::<u8>::pool().idle()), (1, 1, 1));
}

#[test]
fn the_closure_that_makes_objects_may_borrow() {
    let made = RefCell::new(0);
    let pool = OwnedPool::new(|| {
        *made.borrow_mut() += 1;
        String::new()
    });
    drop([pool.acquire(), pool.acquire()]);
    drop(pool.acquire());
    drop(pool);
    assert_eq!(made.into_inner(), 2);
}

#[test]
fn a_guard_is_two_words_and_lives_without_its_pool() {
    assert_eq!(size_of::<Option<OwnedGuard<Page>>>(), 2 * size_of::<usize>());
    static TALLY: Tally = Tally::new();
    let pool = pages("two words", &TALLY);
    let (mut held, other) = (pool.acquire(), pool.acquire());
    held.bytes.push(1);
    drop(pool.acquire());
    drop(pool);
    assert_eq!(TALLY.alive(), 2, "the idle object is dropped with the pool");
    assert_eq!(held.bytes, [1]);
    thread::spawn(move || drop(held)).join().unwrap();
    assert_eq!(TALLY.alive(), 1);
    let kept = OwnedGuard::into_inner(other);
    assert_eq!(TALLY.alive(), 1);
    drop(kept);
    assert_eq!(TALLY.alive(), 0);
}

#[test]
fn each_operation_is_counted() {
    static TALLY: Tally = Tally::new();
    let pool = pages("operations", &TALLY);
    assert!(pool.try_acquire().is_none());
    assert_eq!(pool.prefill(3), 3);
    TALLY.check(&pool.stats(), 0, 0);
    let held = pool.acquire();
    let adopted = pool.adopt(Page { bytes: vec![1], counted: TALLY.make() });
    let boxed = pool.adopt_box(Box::new(Page { bytes: vec![1], counted: TALLY.make() }));
    TALLY.check(&pool.stats(), 3, 0);
    OwnedGuard::discard(held);
    let out = OwnedGuard::into_box(adopted);
    drop(boxed);
    TALLY.check(&pool.stats(), 0, 1);
    assert!(pool.try_acquire().is_some());
    assert_eq!(pool.settled_stats().map(|stats| (stats.in_use, stats.idle)), Some((0, 3)));
    pool.age();
    assert_eq!(pool.stats().victims, 3);
    pool.set_max_idle(2);
    assert_eq!((pool.idle(), pool.max_idle()), (2, 2));
    pool.collect();
    TALLY.check(&pool.stats(), 0, 1);
    assert_eq!(pool.idle(), 0);
    drop(out);
    let leaked: &'static mut Page = OwnedGuard::leak(pool.acquire());
    drop(pool);
    leaked.counted.assert_alive();
    assert_eq!(TALLY.alive(), 1);
}

#[test]
fn hooks_are_called_and_dropped_after_the_last_guard() {
    let (resets, hook) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
    let (in_reset, count) = (Arc::clone(&hook), Arc::clone(&resets));
    let pool = OwnedPool::builder(Vec::<u8>::new)
        .reset(move |bytes: &mut Vec<u8>| {
            let _hook = &in_reset;
            count.fetch_add(1, Relaxed);
            bytes.clear();
        })
        .retain(|bytes| bytes.capacity() <= 10)
        .build();
    pool.acquire().push(1);
    pool.acquire().resize(100, 1);
    assert_eq!((resets.load(Relaxed), pool.stats().dropped.retain, pool.idle()), (2, 1, 0));
    let mut held = pool.acquire();
    held.push(1);
    Reset::reset(&mut held);
    assert!(held.is_empty());
    drop(pool);
    assert_eq!(Arc::strong_count(&hook), 2);
    drop(held);
    assert_eq!((resets.load(Relaxed), Arc::strong_count(&hook)), (4, 1));
}

/// The bound, the name and the counts are the next pool's own.
#[test]
fn the_next_pool_begins_anew() {
    static TALLY: Tally = Tally::new();
    let with_bound = |max_idle| {
        let pool = OwnedPool::builder(|| Page { bytes: Vec::new(), counted: TALLY.make() }).name("next");
        pool.max_idle(max_idle).build()
    };
    for max_idle in [40, 0, 7, 1000] {
        let pool = with_bound(max_idle);
        assert!(!is_listed("next") || pool.stats().created == 0);
        assert_eq!((pool.max_idle(), pool.idle(), pool.stats().created), (max_idle, 0, 0));
        drop((0..100).map(|_| pool.acquire()).collect::<Vec<_>>());
        assert_eq!((pool.idle(), pool.stats().created), (max_idle.min(100), 100));
        pool.age();
        assert!(is_listed("next"));
    }
    assert_eq!(TALLY.alive(), 0);
}

/// A pool that is dropped in its reset or its `retain`, which it has for as long as they run.
#[test]
fn a_pool_may_be_dropped_in_its_own_hooks() {
    type Place = Arc<Mutex<Option<OwnedPool<Vec<u8>, Dropping>>>>;
    struct Dropping {
        in_retain: bool,
        pool: Place,
        token: Arc<()>,
    }
    impl Dropping {
        fn drop_pool(&self) {
            drop(self.pool.lock().unwrap().take());
            assert_eq!(Arc::strong_count(&self.token), 2, "these hooks are there");
        }
    }
    impl Hooks<Vec<u8>> for Dropping {
        fn reset(&self, _: &mut Vec<u8>) {
            if !self.in_retain {
                self.drop_pool();
            }
        }

        fn retain(&self, _: &Vec<u8>) -> bool {
            self.drop_pool();
            true
        }
    }

    let token = Arc::new(());
    for in_retain in [false, true] {
        let pool = Arc::new(Mutex::new(None));
        let hooks = Dropping { in_retain, pool: Arc::clone(&pool), token: Arc::clone(&token) };
        let owned = OwnedPool::builder(boxed(Vec::new)).hooks(hooks).build();
        let guard = owned.acquire();
        *pool.lock().unwrap() = Some(owned);
        drop(guard);
        assert!(pool.lock().unwrap().is_none());
        assert_eq!(Arc::strong_count(&token), 1, "the hooks are dropped with the last guard");
    }
}

#[test]
fn a_panic_costs_its_object_and_no_more() {
    static TALLY: Tally = Tally::new();
    let page = || Page { bytes: Vec::new(), counted: TALLY.make() };
    let unwind = |pool: &OwnedPool<Page>| {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _held = pool.acquire();
            panic!("while it is held");
        }));
        assert!(panicked.is_err());
    };
    let discards: OwnedPool<Page> = OwnedPool::new(Box::new(page));
    unwind(&discards);
    assert_eq!((discards.stats().dropped.panic, discards.idle()), (1, 0));
    let resets: OwnedPool<Page> = OwnedPool::builder(boxed(page)).on_panic(OnPanic::Reset).build();
    unwind(&resets);
    assert_eq!((resets.stats().dropped.panic, resets.idle()), (0, 1));
    // A reset that panics, before and after the pool is dropped.
    let fails = OwnedPool::builder(page).reset(|_| panic!("no reset")).build();
    let (first, second) = (fails.acquire(), fails.acquire());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(first))).is_err());
    assert_eq!(fails.stats().dropped.panic, 1);
    drop(fails);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(second))).is_err());
    // A closure that panics leaves the pool as it was.
    let never = OwnedPool::new(|| -> Page { panic!("no page") });
    assert!(catch_unwind(AssertUnwindSafe(|| never.acquire())).is_err());
    assert_eq!((never.stats().created, never.stats().in_use), (0, 0));
    drop((discards, resets, never));
    assert_eq!(TALLY.alive(), 0);
}

/// The drop of a pool drops all its objects, whichever panics, and lets the first panic go on.
#[test]
fn a_drop_that_panics_leaves_none_behind() {
    struct Angry(#[allow(dead_code)] Counted, bool);
    impl Reset for Angry {
        fn reset(&mut self) {}
    }
    impl Drop for Angry {
        fn drop(&mut self) {
            assert!(!self.1, "an angry object is dropped");
        }
    }
    static TALLY: Tally = Tally::new();
    let token = Arc::new(());
    let in_reset = Arc::clone(&token);
    let pool = OwnedPool::builder(|| Angry(TALLY.make(), true)).reset(move |_| _ = &in_reset).build();
    let held = pool.acquire();
    drop([pool.acquire(), pool.acquire(), pool.acquire()]);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(pool))).is_err());
    assert_eq!(TALLY.alive(), 1);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(held))).is_err());
    assert_eq!((TALLY.alive(), Arc::strong_count(&token)), (0, 1));
}

#[test]
fn an_object_may_be_made_by_another_closure() {
    let pool = OwnedPool::new(String::new);
    drop(pool.acquire_with(|| String::with_capacity(100)));
    assert!(pool.acquire_with(|| unreachable!("one is idle")).capacity() >= 100);
    let (one, failed) = (pool.acquire(), pool.try_acquire_with(|| Err::<String, _>("no memory")));
    assert_eq!(failed.err(), Some("no memory"));
    assert_eq!((pool.stats().created, pool.stats().in_use), (1, 1));
    drop(one);
    assert!(pool.try_acquire_with(|| Err::<String, _>(())).is_ok());
}

/// A thread that has a guard and no pool makes no other thread wait, however many pools come and go meanwhile.
#[test]
fn guards_of_many_pools_end_on_another_thread() {
    static TALLY: Tally = Tally::new();
    let (sender, receiver) = mpsc::channel::<OwnedGuard<Page>>();
    let drops = thread::spawn(move || receiver.into_iter().count());
    for _ in 0..1000 {
        let pool = pages("many", &TALLY);
        (0..10).for_each(|_| sender.send(pool.acquire()).unwrap());
    }
    drop(sender);
    assert_eq!(drops.join().unwrap(), 10_000);
    assert_eq!(TALLY.alive(), 0);
}
