use std::cell::Cell;

use pool_runtime::OwnedPool;

fn main() {
    let limit = 100;
    let pages = OwnedPool::builder(Vec::<u8>::new).reset(|page| page.truncate(limit.min(0))).build();
    let _page = pages.acquire();
    let _not_sync = OwnedPool::builder(Vec::<u8>::new).reset({
        let resets = Cell::new(0);
        move |_| resets.set(resets.get() + 1)
    });
}
