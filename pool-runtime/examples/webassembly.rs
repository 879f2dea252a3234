//! A pool where there are no threads and no processes, and no clock either on some: `ci/wasm.sh` runs it on WebAssembly.

use pool_runtime::{Collector, Pooled, registry};

#[derive(Default, Pooled)]
#[pooled(max_idle = 1000)]
struct Page(Vec<u8>);

/// Uses a pool in every way, and panics where something is not as it should be.
#[unsafe(no_mangle)]
pub extern "C" fn use_pools() {
    for _ in 0..3 {
        let mut pages = [(); 100].map(|()| Page::acquire());
        pages.iter_mut().for_each(|page| page.0.push(1));
    }
    let stats = Page::pool().stats();
    assert_eq!((stats.created, stats.in_use), (100, 0));
    assert_eq!(stats.idle, 100);
    registry::age();
    drop(Page::acquire());
    Page::pool().set_max_idle(5);
    assert!(Page::pool().idle() <= 5);
    pool_runtime::collect();
    assert_eq!(Page::pool().idle(), 0);
    // Without threads there is none, and its place is free again.
    for _ in 0..2 {
        match Collector::builder().start() {
            Ok(collector) => drop(collector),
            Err(error) => assert!(error.to_string().starts_with("the collector's thread cannot be started"), "{error}"),
        }
    }
}

fn main() {
    use_pools();
    println!("{}", pool_runtime::backend());
}
