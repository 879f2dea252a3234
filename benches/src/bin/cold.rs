//! The child of ours that has 1,000 pooled types.

use std::io;

use benches::scenario::cold::{Small, Types};
use pool_runtime::Pooled;

struct Thousand;

/// The cycle of a type of its own.
macro_rules! cycle {
    () => {{
        #[derive(Default, Pooled)]
        struct Cold(#[pooled(with = Small::reset)] Small);

        fn cycle() {
            Cold::acquire().0.write();
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

#[cfg(not(debug_assertions))]
static CYCLES: Cycles = ten!(ten!(ten!(cycle!())));

// What is not measured, as for clippy, needs no more than one type.
#[cfg(debug_assertions)]
static CYCLES: Cycles = [[[cycle!(); 10]; 10]; 10];

impl Types for Thousand {
    #[inline]
    fn cycle(index: usize) {
        CYCLES.as_flattened().as_flattened()[index]();
    }
}

fn main() -> io::Result<()> {
    benches::child::serve(&benches::contestant::ours_with::<Thousand>())
}
