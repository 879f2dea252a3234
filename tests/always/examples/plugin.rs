//! A library that uses a pool, to be opened and closed again. It has a copy of the runtime of its own.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use pool_runtime::{Backend, Guard, Pooled};

/// Tells the host that it is dropped.
#[derive(Default, Pooled)]
struct Told(#[pooled(keep)] Option<&'static AtomicU64>);

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(counter) = self.0 {
            counter.fetch_add(1, Relaxed);
        }
    }
}

/// Leaves this many objects idle.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_fill(objects: usize, counter: &'static AtomicU64) {
    let mut held: Vec<_> = (0..objects).map(|_| Told::acquire()).collect();
    held.iter_mut().for_each(|told| told.0 = Some(counter));
}

#[derive(Default, Pooled)]
struct Page {
    bytes: Vec<u8>,
    #[pooled(set = 0)]
    mark: u64,
}

/// Whether the pools of this library use restartable sequences.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_uses_rseq() -> bool {
    matches!(pool_runtime::backend(), Backend::Rseq | Backend::RseqCpu(_))
}

/// Acquires and releases: one after the other, many at once, and, at the end, one, or an acquire that hits.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_use_pool(rounds: u64) {
    let take = |mark| {
        let mut page = Page::acquire();
        assert!(page.bytes.is_empty() && page.mark == 0, "handed out before its reset");
        page.bytes.push(1);
        page.mark = mark;
        page
    };
    for round in 1..=rounds {
        let held: Vec<_> = (0..round % 20).map(|place| take(round << 8 | place)).collect();
        drop(take(round));
        for (place, page) in held.iter().enumerate() {
            assert_eq!(page.mark, round << 8 | place as u64, "in two hands");
        }
    }
    static CALLS: AtomicU64 = AtomicU64::new(0);
    drop(take(1));
    if CALLS.fetch_add(1, Relaxed).is_multiple_of(2) {
        Guard::discard(take(2));
    }
}

/// What a library may do before it is closed, and need not. The last access is an acquire that finds nothing, and nothing stays in the
/// pool.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_close() {
    pool_runtime::collect();
    Guard::discard(Page::acquire());
    assert_eq!(Page::pool().idle(), 0);
}
