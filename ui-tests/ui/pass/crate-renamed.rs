//! A crate may have the runtime under another name, or have it from a third crate.

use std::marker::PhantomData;

mod vendored {
    pub mod pools {
        pub use ::pool_runtime::*;
    }
}

/// What the default would find.
mod pool_runtime {}

use vendored::pools::{OnPanic, Pooled, Reset};

#[derive(Default, Pooled)]
#[pooled(crate = vendored::pools, max_idle = 4, local = 1, on_panic = reset)]
struct Relative {
    bytes: Vec<u8>,
    #[pooled(max_capacity = 16)]
    limited: Vec<u8>,
}

#[derive(Default, Pooled)]
#[pooled(crate = crate::vendored::pools)]
struct Absolute(Vec<u8>);

mod inner {
    #[derive(Default, super::Pooled)]
    #[pooled(crate = super::vendored::pools, instances(Generic<u8>))]
    pub struct Generic<T>(Vec<T>);
}

#[derive(Default, Reset, Pooled)]
#[pooled(crate = self::vendored::pools)]
struct Both {
    bytes: Vec<u8>,
}

#[derive(Default, Reset)]
#[pooled(crate = vendored::pools)]
struct Generic<T> {
    items: Vec<T>,
    marker: PhantomData<T>,
}

#[derive(Pooled)]
#[pooled(crate = vendored::pools)]
enum State {
    #[pooled(default)]
    Empty,
    Full(Vec<u8>),
}

fn main() {
    assert_eq!(Relative::ON_PANIC, OnPanic::Reset);
    drop((Relative::acquire(), Absolute::acquire(), inner::Generic::<u8>::acquire(), Both::acquire(), State::acquire()));
    let mut full = State::Full(vec![1]);
    State::reset_object(&mut full);
    assert!(matches!(full, State::Empty));
    let mut generic = Generic { items: vec![1], marker: PhantomData };
    generic.reset();
    assert!(generic.items.is_empty());
}
