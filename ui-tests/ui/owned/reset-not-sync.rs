use std::cell::Cell;

use pool_runtime::OwnedPool;

fn main() {
    let resets = Cell::new(0);
    let pages = OwnedPool::builder(Vec::<u8>::new).reset(move |_| resets.set(resets.get() + 1));
    drop(pages.build().acquire());
}
