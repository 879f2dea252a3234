//! What can be sent and shared, in both directions, as the compiler sees it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Mutex, MutexGuard};

use pool_runtime::collector::{self, Pressure, PressureError, PressureSource, StartError};
use pool_runtime::owned::ByReset;
use pool_runtime::registry::PoolHandle;
use pool_runtime::stats::{AllStats, Dropped, Stats};
use pool_runtime::{Backend, Collector, Guard, OnPanic, OwnedGuard, OwnedPool, Pool, Pooled, Reason};
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

/// Nothing in it is `UnwindSafe`, though it can be sent and shared.
#[derive(Default, Pooled)]
struct NoUnwind(#[pooled(default)] Option<&'static mut u8>);

#[derive(Default, Pooled)]
struct WithGuard(#[pooled(default)] Option<Guard<WithCell>>);

/// Says of each type which of these traits it has, and is an error where it has one too many or too few.
macro_rules! table {
    ($($type:ty: $send:ident $sync:ident $unpin:ident $unwind:ident $ref_unwind:ident,)*) => {
        $(
            row!($send, $type, Send);
            row!($sync, $type, Sync);
            row!($unpin, $type, Unpin);
            row!($unwind, $type, UnwindSafe);
            row!($ref_unwind, $type, RefUnwindSafe);
        )*
    };
}
/// The closure of a pool in a field.
type Boxed<T> = Box<dyn Fn() -> T + Send + Sync>;

macro_rules! row {
    (yes, $type:ty, $trait:ident) => {
        assert_impl_all!($type: $trait);
    };
    (no, $type:ty, $trait:ident) => {
        assert_not_impl_any!($type: $trait);
    };
}

// Every public type. A guard is as the box of the same. A pool is shared by all threads whatever its objects are, since each has one
// user at a time; nor can a panic leave it half-changed. The rest is plain data, or a handle.
table! {
    //                         Send Sync Unpin UnwindSafe RefUnwindSafe
    Guard<Plain>:              yes  yes  yes   yes        yes,
    Box<Plain>:                yes  yes  yes   yes        yes,
    Guard<WithCell>:           yes  no   yes   yes        no,
    Box<WithCell>:             yes  no   yes   yes        no,
    Guard<WithRefCell>:        yes  no   yes   yes        no,
    Guard<WithMutex>:          yes  yes  yes   yes        yes,
    Guard<WithGuard>:          yes  no   yes   yes        no,
    Guard<NoUnwind>:           yes  yes  yes   no         yes,
    Box<NoUnwind>:             yes  yes  yes   no         yes,
    // The object of a guard does not move with it.
    Guard<Pinned>:             yes  yes  yes   yes        yes,
    Pinned:                    yes  yes  no    yes        yes,
    &'static Guard<Plain>:     yes  yes  yes   yes        yes,
    &'static Guard<WithCell>:  no   no   yes   no         no,
    OwnedGuard<Vec<u8>>:       yes  yes  yes   yes        yes,
    OwnedGuard<Cell<u8>>:      yes  no   yes   yes        no,
    Box<Cell<u8>>:             yes  no   yes   yes        no,
    // The pool has the closure that makes objects, and is as that is.
    OwnedPool<Cell<u8>>:       yes  yes  yes   no         no,
    Boxed<Cell<u8>>:           yes  yes  yes   no         no,
    OwnedPool<Cell<u8>, ByReset, fn() -> Cell<u8>>: yes yes yes yes yes,
    Pool<Plain>:               yes  yes  yes   yes        yes,
    Pool<WithCell>:            yes  yes  yes   yes        yes,
    Pool<NoUnwind>:            yes  yes  yes   yes        yes,
    Pool<Pinned>:              yes  yes  yes   yes        yes,
    &'static Pool<WithRefCell>: yes yes  yes   yes        yes,
    PoolHandle:                   yes  yes  yes   yes        yes,
    Stats:                     yes  yes  yes   yes        yes,
    AllStats:                      yes  yes  yes   yes        yes,
    Dropped:                   yes  yes  yes   yes        yes,
    OnPanic:                   yes  yes  yes   yes        yes,
    Backend:                   yes  yes  yes   yes        yes,
    Reason:                    yes  yes  yes   yes        yes,
    Collector:                 yes  yes  yes   yes        yes,
    collector::Builder:        yes  yes  yes   yes        yes,
    Pressure:                  yes  yes  yes   yes        yes,
    PressureSource:            yes  yes  yes   yes        yes,
    PressureError:             yes  yes  yes   yes        yes,
    // It has an `io::Error`, which may have any error in it.
    StartError:                yes  yes  yes   no         no,
}

assert_impl_all!(PoolHandle: fmt::Debug);

/// The object of a type which a guard's object is a subtype of: a function that takes every string takes a static one.
#[derive(Default)]
struct Hold<F: 'static>(Option<F>);
type Every = Hold<for<'a> fn(&'a str)>;
type OnlyStatic = Hold<fn(&'static str)>;

macro_rules! pooled_by_hand {
    ($type:ty) => {
        #[allow(coherence_leak_check)]
        impl Pooled for $type {
            fn pool() -> &'static Pool<Self> {
                static POOL: Pool<$type> = Pool::new(stringify!($type));
                &POOL
            }
            fn create_object() -> Self {
                Hold(None)
            }
            fn reset_object(_: &mut Self) {}
        }
    };
}
pooled_by_hand!(Every);
pooled_by_hand!(OnlyStatic);

/// Variance: a guard gives its object out and takes none in, so it is covariant, as a box is; the object then goes into the pool of the
/// type that the guard has by then. A pool does both, so it is invariant: that it is no pool of a supertype is in
/// `ui-tests/ui/guard/pool-of-a-supertype.rs`. Drop check: a guard may be dropped with its object's type, which borrows nothing
/// (`Pooled: 'static`), so there is nothing that could be dropped before it.
#[test]
fn a_guard_passes_for_that_of_a_supertype() {
    fn covariant(guard: Guard<Every>) -> Guard<OnlyStatic> {
        guard
    }
    fn print(text: &str) {
        assert_eq!(text, "static");
    }
    let guard = covariant(Every::adopt(Hold(Some(print))));
    guard.0.expect("a function")("static");
    drop(guard);
    assert_eq!(Every::pool().idle(), 0, "it is in the other's pool, or in none");
}

// Neither can be copied (Go's vet checks this). A pool is a static, and does not come from nowhere.
assert_not_impl_any!(Guard<Plain>: Clone, Copy);
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
