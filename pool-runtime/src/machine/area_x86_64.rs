//! How x86-64 reads and clears an rseq area. The invariants are those of `sequence`, cited by its numbers.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::arch::asm;

use crate::machine::area::Area;

/// The addresses of `__rseq_offset` and `__rseq_size`, or null if the program has none.
#[cfg(target_feature = "crt-static")]
pub(super) fn weak_symbols() -> [*const core::ffi::c_void; 2] {
    let (offset, size);
    // SAFETY: reads two words of the global offset table, which the linker makes for it.
    unsafe {
        asm!(
            ".weak __rseq_offset, __rseq_size",
            "mov {offset}, qword ptr [rip + __rseq_offset@GOTPCREL]",
            "mov {size}, qword ptr [rip + __rseq_size@GOTPCREL]",
            offset = out(reg) offset,
            size = out(reg) size,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    [offset, size]
}

/// The number of the calling thread's slot, stale at once; negative if the area is not registered.
///
/// # Safety
///
/// The area is the threads'.
#[inline]
pub(super) unsafe fn number(area: Area) -> i32 {
    let number;
    // SAFETY: reads two words of the area; not `pure`, as they change at any time.
    unsafe {
        asm!(
            "mov {n:e}, dword ptr fs:[{start} + 4]",
            "sar {n:e}, 31",
            "or {n:e}, dword ptr fs:[{area}]",
            start = in(reg) area.start(),
            area = in(reg) area.offset(),
            n = out(reg) number,
            options(nostack, readonly),
        );
    }
    number
}

/// Ends a sequence (invariant 7 of `sequence`).
///
/// # Safety
///
/// The area is the threads'.
#[inline]
pub(super) unsafe fn clear(area: Area) {
    // SAFETY: writes the area's `rseq_cs` (invariant 1).
    unsafe {
        asm!("mov qword ptr fs:[{start} + 8], 0", start = in(reg) area.start(), options(nostack, preserves_flags))
    };
}
