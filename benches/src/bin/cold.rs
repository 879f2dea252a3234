//! The child that has 1,000 types, for each of the contestants that have a pool per type: they take long to compile.

#![allow(clippy::vec_box, reason = "an object that is in use has a stable address, as ours has")]

use std::cell::RefCell;
use std::io;

use benches::child;
use benches::roster::{of_types, ours_of_types};
use benches::scenario::cold::{Small, Types};
use parking_lot::Mutex;
use pool_runtime::{Pooled, Reset};

/// The cycle of a type of its own.
macro_rules! ours {
    () => {{
        #[derive(Default, Pooled)]
        struct Cold(Small);

        fn cycle() {
            Cold::acquire().0.write();
        }
        cycle as fn()
    }};
}

macro_rules! thread_local_vec {
    () => {{
        thread_local! {
            static LIST: RefCell<Vec<Box<Small>>> = const { RefCell::new(Vec::new()) };
        }

        fn cycle() {
            let mut object = LIST.with_borrow_mut(Vec::pop).unwrap_or_default();
            object.write();
            object.reset();
            LIST.with_borrow_mut(|list| list.push(object));
        }
        cycle as fn()
    }};
}

macro_rules! locked_vec {
    () => {{
        static LIST: Mutex<Vec<Box<Small>>> = Mutex::new(Vec::new());

        fn cycle() {
            let mut object = LIST.lock().pop().unwrap_or_default();
            object.write();
            object.reset();
            LIST.lock().push(object);
        }
        cycle as fn()
    }};
}

#[cfg(not(debug_assertions))]
macro_rules! ten {
    ($($item:tt)*) => {
        [$($item)*, $($item)*, $($item)*, $($item)*, $($item)*, $($item)*, $($item)*, $($item)*, $($item)*, $($item)*]
    };
}

type Cycles = [[[fn(); 10]; 10]; 10];

macro_rules! thousand {
    ($name:ident, $cycle:ident) => {
        struct $name;

        impl Types for $name {
            fn cycle(index: usize) {
                #[cfg(not(debug_assertions))]
                static CYCLES: Cycles = ten!(ten!(ten!($cycle!())));

                // A build that measures nothing, as for clippy, needs no more than one type.
                #[cfg(debug_assertions)]
                static CYCLES: Cycles = [[[$cycle!(); 10]; 10]; 10];

                CYCLES.as_flattened().as_flattened()[index]();
            }
        }
    };
}

thousand!(Ours, ours);
thousand!(ThreadLocalVec, thread_local_vec);
thousand!(LockedVec, locked_vec);

fn main() -> io::Result<()> {
    // With the backend that this process has, or beside it.
    match std::env::args().nth(1).as_deref() {
        Some("ours") => child::serve(&[ours_of_types::<Ours>()]),
        _ => child::serve(&of_types::<ThreadLocalVec, LockedVec>()),
    }
}
