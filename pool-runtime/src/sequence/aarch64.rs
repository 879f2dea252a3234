//! The sequences for aarch64. The invariants are those of `sequence`, cited by its numbers; the form is that of `x86_64`,
//! and so are the labels.
//!
//! A conditional branch reaches 1 MiB and no linker extends it: the way of a miss follows the sequence, or is a block of the
//! same function. A sequence finds the slot of a number beyond those that have an offset by itself (12, which goes on at 13). Only the
//! abort lies in `.text.unlikely`. Its branch back may be extended by the linker, which then uses x16 and x17.

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
    // SAFETY: as in `x86_64`.
    unsafe {
        asm!(
            "adrp {offset}, :got:{word}",
            "ldr {offset}, [{offset}, :got_lo12:{word}]",
            "ldr {offset}, [{offset}]",
            word = sym RSEQ_OFFSET,
            offset = lateout(reg) offset,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    offset
}

/// Whether the result of [`pop`] is an object: neither null nor all ones. An address may have any tag in its first byte, and be
/// negative.
#[inline(always)]
pub(super) fn is_object(popped: *mut ()) -> bool {
    popped.addr().wrapping_add(1) > 1
}

/// An attempt to pop: the object, or null after a miss, or all ones after an abort.
///
/// # Safety
///
/// The tables are those of a pool (invariant 4 of `sequence`), and the area is the threads'.
#[inline(always)]
pub(super) unsafe fn pop(area: Area, tables: &Tables) -> *mut () {
    let object;
    // SAFETY: a sequence (invariants 1, 5 and 6). It reads the tables, a slot and an entry below `stacked`, all of which
    // exist (invariant 4), and writes the top or `stacked` of a slot that the thread has the number of and the pool runs
    // (invariant 3).
    unsafe {
        assemble!(
            arm!(),
            find_slot_by_offset!(),
            "ldr {object}, [{at}, {top}]",
            "mov {n}, xzr",
            keep_top!(),
            // Neither null nor closed, which is all ones.
            "add {more}, {object}, #1",
            "cmp {more}, #1",
            "b.hi 8f",
            spin!(),
            "ldr {n}, [{at}, {stacked}]",
            spin!(),
            "subs {n}, {n}, #1",
            "b.lo 6f",
            "add {object}, {at}, {entries}",
            "ldr {object}, [{object}, {n}, lsl #3]",
            spin!(),
            check_length!("add x15, {n}, #1"),
            "add {at}, {at}, {stacked} - {top}",
            "b 8f",
            find_slot_by_table!("6f"),
            "8:",
            spin!(),
            check_number!(),
            check_top!(),
            "str {n}, [{at}]",
            "4:",
            ways_out!("{object}"),
            area = in(reg) area.offset(),
            tables = in(reg) tables,
            number = out(reg) _,
            at = out(reg) _,
            n = out(reg) _,
            more = out(reg) _,
            object = out(reg) object,
            out("x16") _,
            out("x17") _,
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
    // SAFETY: a sequence (invariants 1, 5 and 6). It reads the tables and a slot, which exist (invariant 4), writes
    // an entry between `stacked` and `stack_limit`, which exists and owns nothing, and then the top or `stacked` of a slot that the
    // thread has the number of and the pool runs (invariant 3).
    unsafe {
        assemble!(
            arm!(),
            find_slot_by_offset!(),
            "ldr {more}, [{at}, {top}]",
            "mov {n}, {object}",
            keep_top!(),
            "cbz {more}, 8f",
            spin!(),
            "ldr {n}, [{at}, {stacked}]",
            spin!(),
            "ldr {more}, [{at}, {stack_limit}]",
            "cmp {n}, {more}",
            "b.hs {miss}",
            spin!(),
            "add {more}, {at}, {entries}",
            "str {object}, [{more}, {n}, lsl #3]",
            spin!(),
            check_length!("mov x15, {n}"),
            "add {n}, {n}, #1",
            "add {at}, {at}, {stacked} - {top}",
            "b 8f",
            find_slot_by_table!("{miss}"),
            "8:",
            spin!(),
            check_number!(),
            check_top!(),
            "str {n}, [{at}]",
            "4:",
            descriptor!("b {aborted}"),
            area = in(reg) area.offset(),
            tables = in(reg) tables,
            number = out(reg) _,
            at = out(reg) _,
            n = out(reg) _,
            more = out(reg) _,
            object = in(reg) object,
            out("x16") _,
            out("x17") _,
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
            "ldr {n}, [{at}, {stacked}]",
            keep_top!(),
            spin!(),
            "cmp {n}, {most}",
            "csel {most}, {n}, {most}, lo",
            "cbz {most}, 6f",
            "sub {n}, {n}, {most}",
            "add {from}, {at}, {entries}",
            "add {from}, {from}, {n}, lsl #3",
            copy!(),
            spin!(),
            check_number!(),
            check_top!(),
            check_length!("add x15, {n}, {most}"),
            "str {n}, [{at}, {stacked}]",
            "4:",
            ways_out!("{most}"),
            area = in(reg) area.offset(),
            tables = in(reg) tables,
            to = in(reg) to,
            most = inout(reg) most => done,
            number = out(reg) _,
            at = out(reg) _,
            n = out(reg) _,
            from = out(reg) _,
            i = out(reg) _,
            more = out(reg) _,
            out("x16") _,
            out("x17") _,
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
            "ldr {n}, [{at}, {stacked}]",
            keep_top!(),
            spin!(),
            "ldr {more}, [{at}, {stack_limit}]",
            "subs {more}, {more}, {n}",
            "b.ls 6f",
            "cmp {more}, {most}",
            "csel {most}, {more}, {most}, lo",
            "sub {from}, {end}, {most}, lsl #3",
            "add {to}, {at}, {entries}",
            "add {to}, {to}, {n}, lsl #3",
            copy!(),
            spin!(),
            check_number!(),
            check_top!(),
            check_length!("mov x15, {n}"),
            "add {n}, {n}, {most}",
            "str {n}, [{at}, {stacked}]",
            "4:",
            ways_out!("{most}"),
            area = in(reg) area.offset(),
            tables = in(reg) tables,
            end = in(reg) end,
            most = inout(reg) most => done,
            number = out(reg) _,
            at = out(reg) _,
            n = out(reg) _,
            from = out(reg) _,
            to = out(reg) _,
            i = out(reg) _,
            more = out(reg) _,
            out("x16") _,
            out("x17") _,
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
            "b.ne {miss}",
            spin!(),
            "ldr {more}, [{word}]",
            "cmp {more}, {old}",
            "b.ne {miss}",
            spin!(),
            check_number!(),
            "str {new}, [{word}]",
            "4:",
            descriptor!("b {aborted}"),
            area = in(reg) area.offset(),
            tables = in(reg) tables,
            slot = in(reg) slot,
            word = in(reg) word,
            old = in(reg) old,
            new = in(reg) new,
            number = out(reg) _,
            at = out(reg) _,
            n = out(reg) _,
            more = out(reg) _,
            out("x16") _,
            out("x17") _,
            running = const offset_of!(Tables, running),
            slots = const offset_of!(Tables, slots),
            miss = label { return Attempt::Missed },
            aborted = label { return Attempt::Aborted },
        );
    }
    Attempt::Done
}

/// Begins a sequence, with the address of the number's word in `number`, and that of the area in `more`.
macro_rules! arm {
    () => {
        "mrs {number}, tpidr_el0
        add {number}, {number}, {area}
        and {more}, {number}, #-32
        adrp {at}, 2f
        add {at}, {at}, :lo12:2f
        str {at}, [{more}, #8]
        3:"
    };
}
/// The slot's number in `n`. An area that is not registered has a negative `cpu_id` (invariant 2 of `sequence`): then it is all ones.
macro_rules! find_number {
    () => {
        concat!(
            spin!(),
            "ldr {n:w}, [{number}]\n",
            keep_number!(),
            spin!(),
            "ldr {more:w}, [{more}, #4]\n",
            keep_cpu!(),
            "orr {n:w}, {n:w}, {more:w}, asr #31\n",
            spin!(),
        )
    };
}
/// The slot in `at`. A pool that is not running has no slots, and a number without a slot has a closed slot. `running` is
/// loaded with an acquire: `slots` comes after it.
macro_rules! find_slot {
    ($miss:literal) => {
        concat!(find_number!(), load_slot!($miss), spin!())
    };
}
macro_rules! load_slot {
    ($miss:literal) => {
        concat!(
            "add {more}, {tables}, {running}
            ldar {more:w}, [{more}]
            cmp {n:w}, {more:w}\nb.hs ",
            $miss,
            "\n",
            spin!(),
            "ldr {at}, [{tables}, {slots}]
            ldr {at}, [{at}, {n}, lsl #3]\n",
        )
    };
}
/// The slot in `at`, for the numbers that have an offset: by the slot's offset from the tables. If the pool is not running, or
/// the number has no slot, the offset leads to a closed slot. `find_slot_by_table` finds the slot of any other number.
macro_rules! find_slot_by_offset {
    () => {
        concat!(
            find_number!(),
            "cmp {n:w}, {offsets}
            b.hs 12f
            add {at}, {tables}, {by_number}
            ldr {at}, [{at}, {n}, lsl #3]
            add {at}, {at}, {tables}
            13:\n",
            spin!(),
        )
    };
}
/// Finds the slot of a number beyond those that have an offset. It stands before the commit, at a place that no other way passes.
macro_rules! find_slot_by_table {
    ($miss:literal) => {
        concat!("12:\n", load_slot!($miss), "b 13b\n")
    };
}
/// Copies `most` words from `from` to `to`.
macro_rules! copy {
    () => {
        concat!(
            "mov {i}, xzr
            9:
            ldr {more}, [{from}, {i}, lsl #3]\n",
            spin!(),
            "str {more}, [{to}, {i}, lsl #3]
            add {i}, {i}, #1
            cmp {i}, {most}
            b.lo 9b\n",
        )
    };
}
/// The descriptor, and the instructions after an abort.
macro_rules! descriptor {
    ($($aborted:literal),*) => {
        concat!(
            trap!(),
            ".pushsection __rseq_cs, \"aw?\", @progbits
            .balign 32
            2:
            .word 0, 0
            .quad 3b, 4b - 3b, 5f
            .popsection
            .pushsection .text.unlikely, \"ax?\", @progbits
            .balign 4
            .inst 0xd428bc00
            5:\n",
            count_abort!(),
            $($aborted,)*
            "\n",
            ".popsection\n",
        )
    };
}
/// The ways out of a sequence with a result, which is in this register: zero after a miss, and all ones after an abort.
macro_rules! ways_out {
    ($result:literal) => {
        concat!(
            "b 7f
            6:
            mov ",
            $result,
            ", xzr
            7:\n",
            descriptor!("mov ", $result, ", #-1\nb 7b"),
        )
    };
}
use {arm, copy, descriptor, find_number, find_slot, find_slot_by_offset, find_slot_by_table, load_slot, ways_out};
