use std::rc::Rc;

use pool_runtime::{OwnedPool, Reset};

#[derive(Default, Reset)]
struct Shared(#[pooled(keep)] Rc<u8>);

fn main() {
    let pool = OwnedPool::new(Shared::default);
    drop(pool.acquire());
}
