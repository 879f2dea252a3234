//! The sequences for x86-64. The invariants are those of `sequence`, cited by its numbers.
//!
//! An operation commits one of two stores, to the top or to the length. They are one instruction, whose address and
//! value were chosen before: so it is the last on both ways (invariant 5). The top is at offset zero of a slot.
//!
//! A sequence that tells nothing but whether it has committed jumps to a block of the compiler's after a miss, and after an abort:
//! its user need not ask. The other sequences answer with a value, since `asm!` with labels has no outputs in stable Rust. Their
//! way of a miss lies in `.text.unlikely`, and so does the way of an abort of all sequences. An acquire or a release with a number
//! beyond those that have an offset begins a sequence of its own there. A descriptor is data with addresses in it, so its section
//! is writable, for the dynamic linker. `?` puts both into the group of the function's own section, if it has one.
//!
//! Labels are local and numeric, since a block is there as often as it was inlined; none is made of 0 and 1 only, which
//! Intel syntax takes for binary numbers. 2 is the descriptor, 3 the start, 4 the end, 5 the abort, 6 a miss, 7 the way
//! out, 8 the commit, 9 a loop, 12 the sequence of a number beyond those that have an offset.
//!
//! `--cfg pool_inject` adds a spin between any two steps, and a second look at the words that the commit relies on.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::arch::asm;
use core::mem::offset_of;

use crate::machine::area::Area;
use crate::sequence::inject::{
    assemble, check_length, check_number, check_top, count_abort, keep_cpu, keep_number, keep_top, spin, trap,
};
use crate::sequence::layout::{Attempt, BY_NUMBER, RSEQ_OFFSET};
use crate::slots::local::LocalStack;
use crate::slots::object::Object;
use crate::slots::offsets::OFFSETS;
use crate::slots::slot::Slot;
use crate::slots::table::Tables;

/// The value of [`RSEQ_OFFSET`], as a constant (invariant 9 of `sequence`).
#[inline(always)]
pub(super) fn at_load() -> isize {
    let offset;
    // SAFETY: reads a word that is there. It is memory, and `nomem` all the same: between two reads it does not change, or both
    // values do (invariant 9). The address comes from the global offset table: the word may be another library's.
    unsafe {
        asm!(
            "mov {offset}, qword ptr [rip + {word}@GOTPCREL]",
            "mov {offset}, qword ptr [{offset}]",
            word = sym RSEQ_OFFSET,
            offset = lateout(reg) offset,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    offset
}

/// Whether the result of [`pop`] is an object: neither null nor all ones. A process has the lower half of the addresses.
#[inline(always)]
pub(super) fn is_object(popped: *mut ()) -> bool {
    popped.addr() as isize > 0
}

/// An attempt to pop: the object, or null after a miss, or all ones after an abort.
///
/// # Safety
///
/// The tables are those of a pool (invariant 4 of `sequence`), and the area is the threads'.
#[inline(always)]
pub(super) unsafe fn pop(area: Area, tables: &Tables) -> *mut () {
    let object;
    // SAFETY: two sequences, one of which is done (invariants 1, 5 and 6). It reads the tables, a slot and an entry below
    // `stacked`, all of which exist (invariant 4), and writes the top or `stacked` of a slot that the thread has the number of and the
    // pool runs (invariant 3).
    unsafe {
        assemble!(
            take!(find_slot_by_offset!(), "6f"),
            ways_out!("{object}"),
            far!(take!(find_slot_by_table!("6b"), "6b"), descriptor!("mov {object}, -1\njmp 7b")), // mutant: abort-is-success
            area = in(reg) area.offset(),
            tables = in(reg) tables,
            at = out(reg) _,
            n = out(reg) _,
            object = out(reg) object,
            offsets = const OFFSETS,
            by_number = const BY_NUMBER,
            running = const offset_of!(Tables, running),
            slots = const offset_of!(Tables, slots),
            top = const offset_of!(LocalStack, top),
            stacked = const offset_of!(LocalStack, stacked),
            entries = const Slot::LINES,
        );
    }
    object
}

/// An attempt to put an object onto the stack.
///
/// # Safety
///
/// The tables are those of a pool (invariant 4 of `sequence`), and the area is the threads'. The object is the
/// caller's, and the stack's after [`Attempt::Done`].
#[inline(always)]
pub(super) unsafe fn push(area: Area, tables: &Tables, object: *mut ()) -> Attempt {
    // SAFETY: two sequences, one of which is done (invariants 1, 5 and 6). It reads the tables and a slot, which exist
    // (invariant 4), writes an entry between `stacked` and `stack_limit`, which exists and owns nothing, and then the top or `stacked`
    // of a slot that the thread has the number of and the pool runs (invariant 3).
    unsafe {
        assemble!(
            put!(find_slot_by_offset!()),
            "7:",
            descriptor!("jmp {aborted}"), // mutant: abort-goes-behind, abort-resumes
            far!(put!(find_slot_by_table!("{miss}")), descriptor!("jmp {aborted}")), // mutant: abort-goes-behind, abort-resumes
            area = in(reg) area.offset(),
            tables = in(reg) tables,
            at = out(reg) _,
            slot = out(reg) _,
            n = out(reg) _,
            object = in(reg) object,
            offsets = const OFFSETS,
            by_number = const BY_NUMBER,
            running = const offset_of!(Tables, running),
            slots = const offset_of!(Tables, slots),
            top = const offset_of!(LocalStack, top),
            stacked = const offset_of!(LocalStack, stacked),
            stack_limit = const offset_of!(LocalStack, stack_limit),
            entries = const Slot::LINES,
            miss = label { return Attempt::Missed },
            aborted = label { return Attempt::Aborted },
        );
    }
    Attempt::Done
}

/// An attempt to take up to `most` objects from below the top and write them to `to`, the uppermost last: their number, or
/// zero after a miss, or all ones after an abort.
///
/// # Safety
///
/// The tables are those of a pool (invariant 4 of `sequence`), and the area is the threads'. There is room for
/// `most` objects at `to`.
#[inline]
pub(super) unsafe fn pop_many(area: Area, tables: &Tables, to: *mut Object, most: usize) -> usize {
    let done;
    // SAFETY: a sequence (invariants 1, 5 and 6). It reads the tables, a slot and entries below `stacked`, all of which exist
    // (invariant 4), and writes to the caller's memory, and then `stacked` of a slot that the thread has the number of and the pool
    // runs (invariant 3).
    unsafe {
        assemble!(
            arm!(),
            find_slot!("6f"),
            "mov {n}, qword ptr [{at} + {stacked}]",
            keep_top!("{at}"),
            spin!(),
            "cmp {n}, {most}",
            "cmovb {most}, {n}", // mutant: batch-out-ignores-len
            "test {most}, {most}",
            "je 6f",
            "lea {from}, [{at} + {n} * 8 + {entries}]",
            "sub {n}, {most}", // mutant: batch-out-commits-first
            "lea {to}, [{to} + {most} * 8]",
            copy!(),
            spin!(),
            check_number!(),
            check_top!(),
            check_length!("lea r11, [{n} + {most}]"), // mutant: batch-out-commits-first
            "mov qword ptr [{at} + {stacked}], {n}", // mutant: batch-ends-before-commit
            "4:", // mutant: batch-ends-before-commit
            ways_out!("{most}"),
            area = in(reg) area.offset(),
            tables = in(reg) tables,
            to = inout(reg) to => _,
            most = inout(reg) most => done,
            at = out(reg) _,
            n = out(reg) _,
            from = out(reg) _,
            i = out(reg) _,
            word = out(reg) _,
            running = const offset_of!(Tables, running),
            slots = const offset_of!(Tables, slots),
            stacked = const offset_of!(LocalStack, stacked),
            entries = const Slot::LINES,
        );
    }
    done
}

/// An attempt to put up to `most` objects, which is not zero, below the top, in the order in which they lie before
/// `end`: the number of them, of those next to `end`, or zero after a miss, or all ones after an abort.
///
/// # Safety
///
/// The tables are those of a pool (invariant 4 of `sequence`), and the area is the threads'. As many objects
/// lie before `end`; those that are counted are the stack's then.
#[inline]
pub(super) unsafe fn push_many(area: Area, tables: &Tables, end: *const Object, most: usize) -> usize {
    let done;
    // SAFETY: a sequence (invariants 1, 5 and 6). It reads the tables and a slot, which exist (invariant 4), and the
    // caller's objects, writes entries between `stacked` and `stack_limit`, which exist and own nothing, and then `stacked` of a slot
    // that the thread has the number of and the pool runs (invariant 3).
    unsafe {
        assemble!(
            arm!(),
            find_slot!("6f"),
            "mov {n}, qword ptr [{at} + {stacked}]",
            keep_top!("{at}"),
            spin!(),
            "mov {i}, qword ptr [{at} + {stack_limit}]",
            "sub {i}, {n}",
            "jbe 6f",
            "cmp {i}, {most}",
            "cmovb {most}, {i}", // mutant: batch-in-ignores-limit
            "add {n}, {most}", // mutant: batch-in-commits-first
            "lea {to}, [{at} + {n} * 8 + {entries}]",
            copy!(),
            spin!(),
            check_number!(),
            check_top!(),
            check_length!("mov r11, {n}\nsub r11, {most}"), // mutant: batch-in-commits-first
            "mov qword ptr [{at} + {stacked}], {n}", // mutant: batch-ends-before-commit
            "4:", // mutant: batch-ends-before-commit
            ways_out!("{most}"),
            area = in(reg) area.offset(),
            tables = in(reg) tables,
            from = in(reg) end,
            most = inout(reg) most => done,
            at = out(reg) _,
            n = out(reg) _,
            to = out(reg) _,
            i = out(reg) _,
            word = out(reg) _,
            running = const offset_of!(Tables, running),
            slots = const offset_of!(Tables, slots),
            stacked = const offset_of!(LocalStack, stacked),
            stack_limit = const offset_of!(LocalStack, stack_limit),
            entries = const Slot::LINES,
        );
    }
    done
}

/// An attempt to change a word from `old` to `new`.
///
/// # Safety
///
/// The tables are those of a pool (invariant 4 of `sequence`), and the area is the threads'. The word is one of
/// the slot's local stack.
#[inline]
pub(super) unsafe fn store_if(
    area: Area,
    tables: &Tables,
    slot: *const Slot,
    word: *const usize,
    old: usize,
    new: usize,
) -> Attempt {
    // SAFETY: a sequence (invariants 1, 5 and 6). It reads the tables, which exist (invariant 4), and writes the
    // word of a slot that the thread has the number of and the pool runs (invariant 3).
    unsafe {
        assemble!(
            arm!(),
            find_slot!("{miss}"),
            "cmp {at}, {slot}",
            "jne {miss}",
            spin!(),
            "cmp qword ptr [{word}], {old}", // mutant: store-any-value
            "jne {miss}",
            spin!(),
            check_number!(), // mutant: abort-resumes
            "mov qword ptr [{word}], {new}",
            "4:",
            descriptor!("jmp {aborted}"), // mutant: abort-goes-behind, abort-resumes
            area = in(reg) area.offset(),
            tables = in(reg) tables,
            slot = in(reg) slot,
            word = in(reg) word,
            old = in(reg) old,
            new = in(reg) new,
            at = out(reg) _,
            n = out(reg) _,
            running = const offset_of!(Tables, running),
            slots = const offset_of!(Tables, slots),
            miss = label { return Attempt::Missed },
            aborted = label { return Attempt::Aborted },
        );
    }
    Attempt::Done
}

/// Begins a sequence, with the beginning of the area in `at`.
macro_rules! arm {
    () => {
        concat!(
            "mov {at}, {area}\n", // mutant: number-outside, running-outside
            "and {at}, -32
            lea {n}, [rip + 2f]\n",
            "mov qword ptr fs:[{at} + 8], {n}\n", // mutant: never-armed
            "3:\n",                               // mutant: start-after-number, start-after-slot
        )
    };
}
/// The slot's number in `n`. An area that is not registered has a negative `cpu_id` (invariant 2 of `sequence`): a branch, so that the
/// slot need not wait for it.
macro_rules! find_number {
    ($unregistered:literal) => {
        concat!(
            spin!(),
            "mov {n:e}, dword ptr fs:[{area}]\n", // mutant: number-outside
            keep_number!(),
            spin!(),
            "cmp dword ptr fs:[{at} + 4], 0\njs ", // mutant: not-registered
            $unregistered,
            "\n",
            keep_cpu!(),
            spin!(), // mutant: start-after-number
        )
    };
}
/// The slot in `at`. A pool that is not running has no slots, and a number without a slot has a closed slot. `running`
/// comes before `slots`, and processors load in order.
macro_rules! find_slot {
    ($miss:literal) => {
        concat!(
            find_number!($miss),
            "cmp {n:e}, dword ptr [{tables} + {running}]\njae ", // mutant: running-outside
            $miss,
            "\n",
            spin!(),
            "mov {at}, qword ptr [{tables} + {slots}]
            mov {at}, qword ptr [{at} + {n} * 8]\n",
            spin!(), // mutant: start-after-slot
        )
    };
}
/// The slot's offset from the tables in `at`. If the pool is not running, or the number has no slot, it leads to a closed slot.
macro_rules! find_slot_by_offset {
    () => {
        concat!(
            find_number!("12f"),
            "cmp {n:e}, {offsets}
            jae 12f
            mov {at}, qword ptr [{tables} + {n} * 8 + {by_number}]\n",
            spin!(), // mutant: start-after-slot
        )
    };
}
/// The slot's offset from the tables in `at`, for any number.
macro_rules! find_slot_by_table {
    ($miss:literal) => {
        concat!(find_slot!($miss), "sub {at}, {tables}\n")
    };
}
/// The sequence of a number beyond those that have an offset, with its descriptor. It goes on at the end of the sequence before it.
macro_rules! far {
    ($sequence:expr, $descriptor:expr) => {
        concat!(
            ".pushsection .text.unlikely, \"ax?\", @progbits
            12:\n",
            $sequence,
            "jmp 7b\n",
            $descriptor,
            ".popsection\n",
        )
    };
}
/// Stores the top, or the length, which is at the offset in `at` by now.
macro_rules! commit {
    () => {
        concat!(
            "8:\n", // mutant: end-before-commit
            spin!(),
            check_number!(),
            check_top!(),
            "mov qword ptr [{tables} + {at}], {n}\n", // mutant: jump-after-commit, spin-after-commit
            "4:\n",                                   // mutant: end-before-commit
        )
    };
}
/// Takes an object off the stack at the offset in `at`.
macro_rules! take {
    ($find:expr, $miss:literal) => {
        concat!(
            arm!(), // mutant: len-outside
            $find,
            "mov {object}, qword ptr [{tables} + {at} + {top}]\n", // mutant: len-outside
            "xor {n:e}, {n:e}\n",                                  // mutant: pop-leaves-top
            keep_top!("{tables} + {at}"),
            // Neither null nor closed: a process has the lower half of the addresses.
            "test {object}, {object}
            jg 8f\n",
            spin!(),
            "lea {object}, [{tables} + {at}]\n",
            "mov {n}, qword ptr [{object} + {stacked}]\n", // mutant: len-outside
            spin!(),
            "sub {n}, 1\njb ",
            $miss,
            "\nmov {object}, qword ptr [{object} + {n} * 8 + {entries}]\n",
            spin!(),
            check_length!("lea r11, [{n} + 1]"),
            "add {at}, {stacked} - {top}\n",
            commit!(),
        )
    };
}
/// Puts the object onto the stack at the offset in `at`.
macro_rules! put {
    ($find:expr) => {
        concat!(
            arm!(),
            $find,
            "mov {n}, {object}\n",
            keep_top!("{tables} + {at}"),
            "cmp qword ptr [{tables} + {at} + {top}], 0
            je 8f\n",
            spin!(),
            "lea {slot}, [{tables} + {at}]
            mov {n}, qword ptr [{slot} + {stacked}]\n",
            spin!(),
            "cmp {n}, qword ptr [{slot} + {stack_limit}]\n",
            "jae {miss}\n", // mutant: push-ignores-limit
            spin!(),
            "mov qword ptr [{slot} + {n} * 8 + {entries}], {object}\n", // mutant: commit-before-store
            spin!(),
            check_length!("mov r11, {n}"), // mutant: commit-before-store
            "add {n}, 1
            add {at}, {stacked} - {top}\n",
            commit!(),
        )
    };
}
/// Copies the `most` words before `from` to those before `to`.
macro_rules! copy {
    () => {
        concat!(
            "mov {i}, {most}
            neg {i}
            9:
            mov {word}, qword ptr [{from} + {i} * 8]\n",
            spin!(),
            "mov qword ptr [{to} + {i} * 8], {word}
            add {i}, 1
            jne 9b\n",
        )
    };
}
/// The descriptor, and the instructions after an abort.
macro_rules! descriptor {
    ($($aborted:literal),*) => {
        concat!(
            ".pushsection __rseq_cs, \"aw?\", @progbits
            .balign 32
            2:
            .long 0, 0
            .quad 3b, 4b - 3b, 5f
            .popsection
            .pushsection .text.unlikely, \"ax?\", @progbits
            .byte 0x0f, 0xb9, 0x3d
            .long 0x53053053
            5:\n",
            count_abort!(),
            $($aborted,)*
            "\n",
            trap!(),
            ".popsection\n",
        )
    };
}
/// The ways out of a sequence with a result, which is in this register: zero after a miss, and all ones after an abort.
macro_rules! ways_out {
    ($result:literal) => {
        concat!(
            "7:\n",
            descriptor!("mov ", $result, ", -1\njmp 7b"), // mutant: abort-is-success
            ".pushsection .text.unlikely, \"ax?\", @progbits
            6:
            xor ",
            $result,
            ", ",
            $result,
            "
            jmp 7b
            .popsection",
        )
    };
}
use {
    arm, commit, copy, descriptor, far, find_number, find_slot, find_slot_by_offset, find_slot_by_table, put, take,
    ways_out,
};
