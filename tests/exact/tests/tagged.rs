//! Objects whose addresses have a tag in the first byte, as an allocator may give them on aarch64, where the processor passes it
//! over: HWASan does. Such an address may be negative, and is an address all the same. In a binary of its own, for its
//! allocator.
#![cfg(all(target_os = "linux", target_arch = "aarch64"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use pool_runtime::{Guard, Pooled};
use tests::cpu;
use tests::guards::hold;

const TAG: usize = 0xff << 56;

/// Of what is tagged, and of nothing else that this program allocates: what the kernel is given must have no tag.
const SIZE: usize = 4000;

struct Tagging;

#[global_allocator]
static TAGGING: Tagging = Tagging;

// SAFETY: `System`'s memory, under another address that leads to the same.
unsafe impl GlobalAlloc for Tagging {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let memory = unsafe { System.alloc(layout) };
        if layout.size() == SIZE && !memory.is_null() { memory.map_addr(|addr| addr | TAG) } else { memory }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, and `System`'s own address.
        unsafe { System.dealloc(memory.map_addr(|addr| addr & !TAG), layout) }
    }
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

#[derive(Pooled)]
#[pooled(new = || Page([1; SIZE]), max_idle = 1000)]
struct Page(#[pooled(keep)] [u8; SIZE]);

impl Drop for Page {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Relaxed);
    }
}

#[test]
fn an_address_may_be_negative() {
    cpu::pin();
    for round in 0..1000 {
        let page = Page::acquire();
        assert!((&raw const *page).addr() as isize == ((&raw const *page).addr() | TAG) as isize, "it has the tag");
        assert_eq!((page.0[0], Page::pool().stats().created), (1, 1), "round {round}");
    }
    drop(hold::<Page>(100));
    assert_eq!((Page::pool().stats().created, Page::pool().idle()), (100, 100));
    Guard::discard(Page::acquire());
    pool_runtime::collect();
    assert_eq!((DROPPED.load(Relaxed), Page::pool().idle()), (100, 0));
}
