//! Where in memory a loop and its stack lie.
//!
//! Intel's processors since Skylake run a loop up to a third slower where one of its jumps crosses or ends on a 32-byte
//! boundary (*Mitigations for Jump Conditional Code Erratum*, 2019), and most take a load for one of what was just stored if
//! both addresses end in the same twelve bits. So the same pair takes between 4.4 and 6.0 ns. Where things lie is chance: a
//! line of code elsewhere moves a loop, and a new thread's stack begins at the same twelve bits each time. What is as short as
//! the use of a pool is measured at several places.

use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;

/// How many places there are.
pub(super) const PLACES: usize = 8;

/// What this is called in ends `4 * PLACE` bytes behind a boundary, as far as the compiler lets it: it puts some loops on
/// boundaries of 16 bytes.
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
