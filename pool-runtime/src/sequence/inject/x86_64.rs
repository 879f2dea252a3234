//! The additions of `--cfg pool_inject` to the sequences for x86-64: a spin between any two steps, and second looks at the words that a
//! commit relies on, which trap if a word has changed.

macro_rules! assemble {
    ($($arguments:tt)*) => {
        asm!(
            $($arguments)*
            spin = sym crate::sequence::inject::SPIN,
            aborts = sym crate::sequence::inject::ABORTS,
            // The slot, its top, and the CPU's number above the slot's, as the sequence has read them.
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
            options(nostack),
        )
    };
}
macro_rules! spin {
    () => {
        "mov r11d, dword ptr [rip + {spin}]
        22: sub r11d, 1
        jae 22b\n"
    };
}
macro_rules! keep_number {
    () => {
        "mov r10d, {n:e}\n"
    };
}
// The CPU's number above the slot's.
macro_rules! keep_cpu {
    () => {
        "mov r11d, dword ptr fs:[{at} + 4]
        shl r11, 32
        or r10, r11\n"
    };
}
// Once in a sequence: the second look takes the slot's number away.
macro_rules! check_number {
    () => {
        "cmp r10d, dword ptr fs:[{area}]
        jne 33f
        shr r10, 32
        mov r11, {area}
        and r11, -32
        cmp r10d, dword ptr fs:[r11 + 4]
        jne 33f\n"
    };
}
macro_rules! keep_top {
    ($slot:literal) => {
        concat!("lea r8, [", $slot, "]\nmov r9, qword ptr [r8]\n") // mutant: len-outside
    };
}
// The top again, whichever word is about to change.
macro_rules! check_top {
    () => {
        "cmp r9, qword ptr [r8]\njne 33f\n" // mutant: len-outside
    };
}
// `stacked` again, against its value of before, which the instruction puts into r11.
macro_rules! check_length {
    ($expect:literal) => {
        concat!($expect, "\ncmp r11, qword ptr [r8 + {stacked}]\njne 33f\n")
    };
}
macro_rules! count_abort {
    () => {
        "lock inc qword ptr [rip + {aborts}]\n"
    };
}
macro_rules! trap {
    () => {
        "33: ud2\n"
    };
}
pub(in crate::sequence) use {
    assemble, check_length, check_number, check_top, count_abort, keep_cpu, keep_number, keep_top, spin, trap,
};
