//! How aarch64 reads and clears an rseq area. The invariants are those of `sequence`, cited by its numbers.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::arch::asm;

use crate::machine::area::Area;

/// The addresses of `__rseq_offset` and `__rseq_size`, or null if the program has none.
#[cfg(target_feature = "crt-static")]
pub(super) fn weak_symbols() -> [*const core::ffi::c_void; 2] {
    let (offset, size);
    // SAFETY: as in `area_x86_64`.
    unsafe {
        asm!(
            ".weak __rseq_offset, __rseq_size",
            "adrp {offset}, :got:__rseq_offset",
            "ldr {offset}, [{offset}, :got_lo12:__rseq_offset]",
            "adrp {size}, :got:__rseq_size",
            "ldr {size}, [{size}, :got_lo12:__rseq_size]",
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
    let number: u64;
    // SAFETY: reads two words of the area; not `pure`, as they change at any time.
    unsafe {
        asm!(
            "mrs {at}, tpidr_el0",
            "add {start}, {at}, {start}",
            "add {at}, {at}, {area}",
            "ldr {at:w}, [{at}]",
            "ldr {start:w}, [{start}, #4]",
            "orr {at:w}, {at:w}, {start:w}, asr #31",
            start = inout(reg) area.start() => _,
            area = in(reg) area.offset(),
            at = out(reg) number,
            options(nostack, preserves_flags, readonly),
        );
    }
    number as i32
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
        asm!(
            "mrs {at}, tpidr_el0",
            "add {at}, {at}, {start}",
            "str xzr, [{at}, #8]",
            start = in(reg) area.start(),
            at = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
}
