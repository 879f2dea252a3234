//! jemalloc, and the recipe for it.

use std::ptr::null_mut;

use pool_runtime::collector::Builder;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn purge_after_steps(builder: Builder) -> Builder {
    builder.trim(false).after(|step| {
        if step.objects > 0 {
            // 4096 is `MALLCTL_ARENAS_ALL`.
            let purge = c"arena.4096.purge".as_ptr();
            // SAFETY: the name is a string of C, and the call takes and returns no data.
            unsafe { tikv_jemalloc_sys::mallctl(purge, null_mut(), null_mut(), null_mut(), 0) };
        }
    })
}

fn main() {
    residue::serve("jemalloc", "arena.4096.purge", purge_after_steps);
}
