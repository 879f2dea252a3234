//! mimalloc, and the recipe for it.

use pool_runtime::collector::Builder;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn collect_after_steps(builder: Builder) -> Builder {
    builder.trim(false).after(|step| {
        if step.objects > 0 {
            // SAFETY: no precondition.
            unsafe { libmimalloc_sys::mi_collect(true) };
        }
    })
}

fn main() {
    residue::serve("mimalloc", "mi_collect(true)", collect_after_steps);
}
