use std::cell::Cell;

use pool_runtime::{Pooled, Reset};

thread_local! {
    static ORDER: Cell<u64> = const { Cell::new(0) };
}

fn note(digit: u64) {
    ORDER.set(ORDER.get() * 10 + digit);
}

#[derive(Default)]
struct Step<const N: u64>;

impl<const N: u64> Reset for Step<N> {
    fn reset(&mut self) {
        note(N);
    }
}

#[derive(Default, Pooled)]
struct Steps {
    z: Step<1>,
    #[pooled(with = |_| note(2))]
    y: u8,
    #[pooled(set = note(3))]
    x: (),
    w: Step<4>,
}

fn main() {
    let mut steps = Steps::create_object();
    Steps::reset_object(&mut steps);
    assert_eq!(ORDER.get(), 1234);
    let Steps { z: _, y: _, x: (), w: _ } = steps;
}
