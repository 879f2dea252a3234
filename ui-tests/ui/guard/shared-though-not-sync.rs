use std::cell::Cell;

use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Counter {
    hits: Cell<u64>,
}

fn send<T: Send>(_: T) {}

fn main() {
    let counter = Counter::acquire();
    send(&counter);
}
