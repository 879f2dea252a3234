//! The additions of `--cfg pool_inject` to the sequences for aarch64: a spin between any two steps, and second looks at the words that a
//! commit relies on, which trap if a word has changed.

macro_rules! assemble {
    ($($arguments:tt)*) => {
        asm!(
            $($arguments)*
            spin = sym crate::sequence::inject::SPIN,
            aborts = sym crate::sequence::inject::ABORTS,
            // The slot, its top, and the CPU's number above the slot's, as the sequence has read them.
            out("x12") _,
            out("x13") _,
            out("x14") _,
            out("x15") _,
            options(nostack),
        )
    };
}
macro_rules! spin {
    () => {
        "adrp x15, {spin}
        ldr w15, [x15, :lo12:{spin}]
        22: subs w15, w15, #1
        b.hs 22b\n"
    };
}
macro_rules! keep_number {
    () => {
        "mov w14, {n:w}\n"
    };
}
// The CPU's number above the slot's.
macro_rules! keep_cpu {
    () => {
        "orr x14, x14, {more}, lsl #32\n"
    };
}
macro_rules! check_number {
    () => {
        "ldr w15, [{number}]
        cmp w14, w15
        b.ne 33f
        and x15, {number}, #-32
        ldr w15, [x15, #4]
        lsr x17, x14, #32
        cmp w15, w17
        b.ne 33f\n"
    };
}
macro_rules! keep_top {
    () => {
        "mov x12, {at}\nldr x13, [x12]\n"
    };
}
// The top again, whichever word is about to change.
macro_rules! check_top {
    () => {
        "ldr x15, [x12]\ncmp x13, x15\nb.ne 33f\n"
    };
}
// `stacked` again, against its value of before, which the instruction puts into x15.
macro_rules! check_length {
    ($expect:literal) => {
        concat!($expect, "\nldr x17, [x12, {stacked}]\ncmp x15, x17\nb.ne 33f\n")
    };
}
// Exclusive, for processors without the single instruction.
macro_rules! count_abort {
    () => {
        "adrp x15, {aborts}
        add x15, x15, :lo12:{aborts}
        22: ldxr x14, [x15]
        add x14, x14, #1
        stxr w16, x14, [x15]
        cbnz w16, 22b\n"
    };
}
macro_rules! trap {
    () => {
        "b 34f\n33: brk #1\n34:\n"
    };
}
pub(in crate::sequence) use {
    assemble, check_length, check_number, check_top, count_abort, keep_cpu, keep_number, keep_top, spin, trap,
};
