use std::cell::{Cell, RefCell};

use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Counter {
    hits: Cell<u64>,
    lines: RefCell<Vec<u8>>,
}

fn main() {
    let counter = Counter::acquire();
    let counter = std::thread::spawn(move || {
        counter.hits.set(1);
        counter.lines.borrow_mut().push(1);
        counter
    });
    assert_eq!(counter.join().unwrap().hits.get(), 1);
}
