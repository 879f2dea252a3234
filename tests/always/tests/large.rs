//! An object that does not fit on the stack is never there, whatever the pool does with it, in a debug build either.
//!
//! Each operation runs on a thread whose stack has a twelfth of the object's size: one that put an object there would end the process.

// The types of which users box a field, if they can.
#![allow(clippy::large_enum_variant)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use pool_runtime::{Guard, OnPanic, Pool, Pooled};

const OBJECT: usize = 3 << 20;
const STACK: usize = 256 << 10;
const CELLS: usize = OBJECT / size_of::<u64>();

/// Zeros, of a type for which zeros are a value.
///
/// # Safety
///
/// They are.
unsafe fn zeros<T>() -> Box<T> {
    let mut object = Box::<T>::new_uninit();
    // SAFETY: the pointer is to memory for one `T`.
    unsafe { object.as_mut_ptr().write_bytes(0, 1) };
    // SAFETY: all of it is zeros, which are a value (the caller's promise).
    unsafe { object.assume_init() }
}

fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK).spawn(run).expect("a thread");
    thread.join().expect("it does not panic");
}

/// Every way in, through and out, from a box to a box.
fn check<T: Pooled>(make: fn() -> Box<T>, dirty: fn(&mut T), is_clean: fn(&T) -> bool) {
    assert!(size_of::<T>() >= OBJECT);
    on_a_small_stack(move || {
        let acquire = || {
            let object = T::acquire();
            assert!(is_clean(&object), "dirty");
            object
        };
        // new, reset, hit
        for _ in 0..3 {
            dirty(&mut acquire());
        }
        drop((acquire(), acquire()));
        if let Some(mut object) = T::try_acquire() {
            dirty(&mut object);
        }
        T::prefill(2);
        // adopt_box, into_box
        let mut object = T::adopt_box(make());
        dirty(&mut object);
        let object = Guard::into_box(object);
        drop(T::adopt_box(object));
        drop(acquire());
        // drop
        drop(Guard::into_box(acquire()));
        Guard::discard(acquire());
        // SAFETY: `leak` gave out what a box held, and nothing else owns it.
        drop(unsafe { Box::from_raw(Guard::leak(acquire())) });
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let mut object = acquire();
            dirty(&mut object);
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(unwound.is_err());
        drop(acquire());
        // collect
        T::pool().age();
        drop(acquire());
        T::pool().age();
        T::pool().collect();
        drop(acquire());
        T::pool().set_max_idle(0);
        drop(acquire());
        assert_eq!(T::pool().stats().in_use, 0);
    });
}

#[test]
fn a_struct_that_is_reset_field_by_field() {
    #[derive(Pooled)]
    #[pooled(new_boxed = Table::new)]
    struct Table {
        cells: [u64; CELLS],
        used: usize,
    }
    impl Table {
        fn new() -> Box<Self> {
            // SAFETY: it is made of numbers.
            unsafe { zeros() }
        }
    }

    check(
        Table::new,
        |table| {
            table.cells[CELLS - 1] = 1;
            table.used = 1;
        },
        |table| table.cells[CELLS - 1] == 0 && table.used == 0,
    );
}

#[test]
fn a_struct_with_a_reset_of_its_own_and_a_veto() {
    #[derive(Pooled)]
    #[pooled(
        // SAFETY: it is made of numbers.
        new_boxed = || unsafe { zeros() },
        reset = |table| table.cells[..table.used].fill(0),
        retain = |table| table.used < 2,
        on_panic = reset,
    )]
    struct Table {
        cells: [u64; CELLS],
        used: usize,
    }

    check::<Table>(
        // SAFETY: it is made of numbers.
        || unsafe { zeros() },
        |table| {
            table.used += 1;
            table.cells[table.used - 1] = 1;
        },
        |table| table.cells[..2] == [0, 0],
    );
}

/// Without a mark, a reset exchanges the object for a new one, which is made in its box too.
#[test]
fn an_enum() {
    #[derive(Pooled)]
    #[pooled(new_boxed = State::new)]
    #[repr(C, u8)]
    #[allow(dead_code)]
    enum State {
        Idle,
        Busy([u64; CELLS]),
    }
    impl State {
        fn new() -> Box<Self> {
            // SAFETY: the first variant has the number zero.
            unsafe { zeros() }
        }
        fn start(&mut self) {
            assert!(matches!(self, Self::Idle));
            let state: *mut Self = self;
            // SAFETY: the number of a `repr(u8)` enum is its first byte; the fields of `Busy` are numbers, which were zeros
            // or other numbers before.
            unsafe { state.cast::<u8>().write(1) };
        }
    }

    check(State::new, State::start, |state| matches!(state, State::Idle));
}

/// With a mark, what is in another variant is exchanged for a new one, and what is in it is reset where it lies.
#[test]
fn an_enum_with_a_marked_variant() {
    #[derive(Pooled)]
    #[pooled(new_boxed = State::new)]
    #[repr(C, u8)]
    #[allow(dead_code)]
    enum State {
        #[pooled(default)]
        Reading(#[pooled(keep)] [u64; 2], u64),
        Failed([u64; CELLS]),
    }
    impl State {
        fn new() -> Box<Self> {
            // SAFETY: the first variant has the number zero, and is made of numbers.
            unsafe { zeros() }
        }
        fn fail(&mut self) {
            if let Self::Reading(_, count) = self {
                *count = 1;
            }
            let state: *mut Self = self;
            // SAFETY: as in `an_enum`.
            unsafe { state.cast::<u8>().write(1) };
        }
    }

    check(State::new, State::fail, |state| matches!(state, State::Reading(_, 0)));
    check(
        State::new,
        |state| {
            if let State::Reading(_, count) = state {
                *count = 1;
            }
        },
        |state| matches!(state, State::Reading(_, 0)),
    );
}

/// Its marked variant may have no fields.
#[test]
fn an_enum_with_a_marked_variant_without_fields() {
    #[derive(Pooled)]
    #[pooled(new_boxed = State::new)]
    #[repr(C, u8)]
    #[allow(dead_code)]
    enum State {
        #[pooled(default)]
        Idle,
        Busy([u64; CELLS]),
    }
    impl State {
        fn new() -> Box<Self> {
            // SAFETY: the first variant has the number zero.
            unsafe { zeros() }
        }
        fn start(&mut self) {
            let state: *mut Self = self;
            // SAFETY: as in `an_enum`.
            unsafe { state.cast::<u8>().write(1) };
        }
    }

    check(State::new, State::start, |state| matches!(state, State::Idle));
}

#[test]
fn one_of_each_instance_of_a_generic_type() {
    #[derive(Pooled)]
    #[pooled(new_boxed = Self::new, instances(Ring<u32, { OBJECT / 4 }>, Ring<u64, { OBJECT / 8 }>))]
    struct Ring<T: Copy + Default + pool_runtime::Reset, const N: usize>([T; N]);
    impl<T: Copy + Default + pool_runtime::Reset, const N: usize> Ring<T, N> {
        fn new() -> Box<Self> {
            let items = vec![T::default(); N].into_boxed_slice();
            // SAFETY: the slice has the layout of the struct, whose one field is an array of as many.
            unsafe { Box::from_raw(Box::into_raw(items).cast()) }
        }
    }

    check(Ring::<u32, { OBJECT / 4 }>::new, |ring| ring.0[1] = 1, |ring| ring.0[1] == 0);
    check(Ring::<u64, { OBJECT / 8 }>::new, |ring| ring.0[1] = 1, |ring| ring.0[1] == 0);
}

/// What the derive writes can be written by hand.
#[test]
fn an_impl_by_hand() {
    struct Table([u64; CELLS]);
    impl Pooled for Table {
        const ON_PANIC: OnPanic = OnPanic::Reset;
        fn pool() -> &'static Pool<Self> {
            static POOL: Pool<Table> = Pool::new("Table");
            &POOL
        }
        fn create_object() -> Self {
            *Self::create_boxed()
        }
        fn create_boxed() -> Box<Self> {
            // SAFETY: it is made of numbers.
            unsafe { zeros() }
        }
        fn reset_object(table: &mut Self) {
            table.0[7] = 0;
        }
    }

    check(Table::create_boxed, |table| table.0[7] = 1, |table| table.0[7] == 0);
}

/// `create_object` is there for who calls it, and makes the same.
#[test]
fn a_boxed_new_is_the_new_of_small_objects_too() {
    #[derive(Debug, PartialEq, Pooled)]
    #[pooled(new_boxed = || Box::new(Small { size: 7 }), reset = |_| {})]
    struct Small {
        size: u8,
    }

    assert_eq!(Small::create_object(), Small { size: 7 });
    assert_eq!(*Small::acquire(), *Small::create_boxed());
}
