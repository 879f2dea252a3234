//! The system's allocator, counted, and an allocator without locks. A test binary takes one of them for its own:
//!
//! ```
//! # use tests::allocator::Counting;
//! #[global_allocator]
//! static COUNTING: Counting = Counting;
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::AtomicIsize;
#[cfg(target_os = "linux")]
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Counts the bytes that are allocated and not freed, and the calls of each thread.
pub struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// Bytes of the process that are allocated and not freed.
pub fn live() -> isize {
    LIVE.load(Relaxed)
}

/// Allocations, reallocations and deallocations of this thread so far.
pub fn calls() -> usize {
    CALLS.get()
}

// SAFETY: each call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        LIVE.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        CALLS.set(CALLS.get() + 1);
        LIVE.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        LIVE.fetch_add(size as isize - layout.size() as isize, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Hands out the bytes of one large mapping one after the other, and takes none back. So it has no lock: a signal handler never finds a
/// lock of the thread that it interrupts, nor a child of `clone` a lock of a thread that the child does not have.
#[cfg(target_os = "linux")]
pub struct Bump;

/// The beginning of the mapping, zero before the first allocation; and the taken part of it. `Relaxed`: the kernel has written its bytes.
#[cfg(target_os = "linux")]
static BASE: AtomicUsize = AtomicUsize::new(0);
#[cfg(target_os = "linux")]
static TAKEN: AtomicUsize = AtomicUsize::new(0);

#[cfg(target_os = "linux")]
impl Bump {
    /// Far more than a test takes. The mapping takes no memory before a test writes to it.
    const SIZE: usize = if cfg!(target_pointer_width = "64") { 64 << 30 } else { 512 << 20 };

    fn base() -> usize {
        let known = BASE.load(Relaxed);
        if known != 0 {
            return known;
        }
        let (read_write, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE);
        // SAFETY: new memory, at an address of the kernel's choice.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), Self::SIZE, read_write, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return 0;
        }
        // A thread that comes second leaves its mapping unused.
        BASE.compare_exchange(0, base as usize, Relaxed, Relaxed).map_or_else(|first| first, |_| base as usize)
    }
}

// SAFETY: each allocation has bytes of its own, aligned as is asked for, that stay mapped; null if none are left.
#[cfg(target_os = "linux")]
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = Self::base();
        let most = layout.size() + layout.align();
        let begin = TAKEN.fetch_add(most, Relaxed);
        if base == 0 || begin > Self::SIZE - most {
            return std::ptr::null_mut();
        }
        (base + begin).next_multiple_of(layout.align()) as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
