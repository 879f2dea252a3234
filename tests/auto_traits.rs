//! What can be sent and shared, in both directions, as the compiler sees it. These tests do not count.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Mutex, MutexGuard};

use pool_runtime::registry::AnyPool;
use pool_runtime::stats::{Dropped, Stats};
use pool_runtime::{Guard, OnPanic, Pool, Pooled};
use static_assertions::{assert_impl_all, assert_not_impl_any};

#[derive(Default, Pooled)]
struct Plain(u8);

/// `Send`, and not `Sync`.
#[derive(Default, Pooled)]
struct WithCell(Cell<u8>);

#[derive(Default, Pooled)]
struct WithRefCell(RefCell<Vec<Cell<u8>>>);

/// `Send`, and `Sync` although what is in it is not.
#[derive(Default, Pooled)]
struct WithMutex(Mutex<Vec<Cell<u8>>>);

#[derive(Default, Pooled)]
struct Pinned(PhantomPinned);

#[derive(Default, Pooled)]
struct WithGuard(#[pooled(default)] Option<Guard<WithCell>>);

// In both directions: as a box of the same.
assert_impl_all!(Guard<Plain>: Send, Sync, Unpin);
assert_impl_all!(Guard<WithCell>: Send, Unpin);
assert_not_impl_any!(Guard<WithCell>: Sync);
assert_impl_all!(Guard<WithRefCell>: Send, Unpin);
assert_not_impl_any!(Guard<WithRefCell>: Sync);
assert_impl_all!(Guard<WithMutex>: Send, Sync, Unpin);
assert_impl_all!(Guard<WithGuard>: Send, Unpin);
assert_not_impl_any!(Guard<WithGuard>: Sync);
assert_not_impl_any!(&Guard<WithCell>: Send);
assert_impl_all!(&Guard<Plain>: Send);

// The object of a guard does not move with it.
assert_not_impl_any!(Pinned: Unpin);
assert_impl_all!(Guard<Pinned>: Unpin, Send, Sync);

// A pool is shared by all threads, whatever its objects are: each has one user at a time.
assert_impl_all!(Pool<Plain>: Send, Sync);
assert_impl_all!(Pool<WithCell>: Send, Sync);
assert_impl_all!(&'static Pool<WithRefCell>: Send, Sync);
assert_impl_all!(AnyPool: Send, Sync, Copy, fmt::Debug);

// Neither can be copied (Go's vet checks this), or come from nowhere.
assert_not_impl_any!(Guard<Plain>: Clone, Copy, Default);
assert_not_impl_any!(Pool<Plain>: Clone, Copy, Default);

// What is read of a pool is plain data.
assert_impl_all!(Stats: Clone, Default, PartialEq, Eq, fmt::Debug, Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(Dropped: Clone, Copy, Default, PartialEq, Eq, fmt::Debug, Send, Sync);
assert_impl_all!(OnPanic: Clone, Copy, Default, PartialEq, Eq, fmt::Debug, Send, Sync);

// Nothing is forwarded that the object does not have.
assert_not_impl_any!(Guard<Plain>: fmt::Debug, fmt::Display, PartialEq, PartialOrd, std::hash::Hash, AsRef<[u8]>);

/// An object that borrows from one thread cannot be pooled: the trait asks for `Send` and `'static`. That such types
/// are refused is in `ui-tests`; here, that the bounds are on the trait, so that generic code may rely on them.
fn relies_on_the_bounds<T: Pooled>() -> impl Fn() -> Guard<T> + Send + Sync + 'static {
    T::acquire
}

#[test]
fn generic_code_may_send_guards() {
    fn send<T: Pooled>() -> Guard<T> {
        std::thread::spawn(relies_on_the_bounds::<T>()).join().expect("it acquires")
    }

    assert_eq!(send::<Plain>().0, 0);
    assert_eq!(send::<WithCell>().0.get(), 0);
    assert!(send::<WithRefCell>().0.borrow().is_empty());
    assert!(send::<WithMutex>().0.lock().expect("not poisoned").is_empty());
    assert!(send::<WithGuard>().0.is_none());
    let PhantomPinned = send::<Pinned>().0;
}

/// The object may be borrowed with everything that its own type can do; a `MutexGuard` of it cannot be sent.
#[test]
fn borrows_of_the_object_keep_their_own_traits() {
    assert_not_impl_any!(MutexGuard<'static, Vec<Cell<u8>>>: Send);
    let object = WithMutex::acquire();
    let locked = object.0.lock().expect("not poisoned");
    assert!(locked.is_empty());
}

/// A guard may cross a `catch_unwind`, as a box may: what it leaves half-written is discarded.
#[test]
fn a_guard_may_be_moved_into_a_catch_unwind() {
    assert_impl_all!(Box<Plain>: UnwindSafe);
    assert_impl_all!(Guard<Plain>: UnwindSafe);
    assert_impl_all!(Box<WithCell>: UnwindSafe);
    assert_impl_all!(Guard<WithCell>: UnwindSafe);
    let object = Plain::acquire();
    assert!(std::panic::catch_unwind(|| object.0).is_ok());
}
