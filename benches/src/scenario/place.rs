//! The places in memory of a loop and of its stack.
//!
//! Intel's processors since Skylake run a loop up to a third slower if one of its jumps crosses or ends on a 32-byte boundary
//! (*Mitigations for Jump Conditional Code Erratum*, 2019). Most processors make a load wait for an earlier store if both
//! addresses end in the same twelve bits. So the same pair takes between 4.4 and 6.0 ns. The place is chance: a line of code
//! elsewhere moves a loop, and a new thread's stack begins at the same twelve bits each time. So a scenario as short as a pair is
//! measured at several places.

use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;

/// How many places there are.
pub(super) const PLACES: usize = 8;

/// Moves the code behind the call to `4 * PLACE` bytes after a 32-byte boundary, unless the compiler aligns it again: it puts some
/// loops on boundaries of 16 bytes.
#[inline(always)]
#[allow(unsafe_code, reason = "there is no other way to say where code lies")]
pub(super) fn begin_at<const PLACE: usize>() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: instructions that do nothing.
    unsafe {
        std::arch::asm!(
            ".balign 32",
            ".rept 4 * {place}",
            "nop",
            ".endr",
            place = const PLACE,
            options(nomem, nostack, preserves_flags)
        );
    }
}

/// Calls `work` somewhere on the next few KiB of the stack.
pub(super) fn anywhere_on_stack<R>(work: impl FnOnce() -> R) -> R {
    const STEPS: u64 = 64;
    deeper(RandomState::new().hash_one(0) % STEPS, work)
}

/// Each step is 64 bytes and a little.
fn deeper<R>(steps: u64, work: impl FnOnce() -> R) -> R {
    let step = black_box([0_u8; 64]);
    let result = match steps.checked_sub(1) {
        Some(steps) => deeper(steps, work),
        None => work(),
    };
    black_box(step);
    result
}
