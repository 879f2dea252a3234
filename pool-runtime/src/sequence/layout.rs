//! What the sequences take for granted about the slots, and what an attempt gives.

use core::mem::{offset_of, size_of};

use crate::slots::local::LocalStack;
use crate::slots::offsets::{OFFSETS, SlotOffsets};
use crate::slots::slot::Slot;
use crate::slots::table::Tables;
use crate::sync::AtomicUsize;

/// Where the offsets are, from the tables.
pub(super) const BY_NUMBER: usize = offset_of!(Tables, offsets) + offset_of!(SlotOffsets<OFFSETS>, by_number);

const _: () = assert!(offset_of!(Tables, offsets) == 0, "an offset is from the tables");
const _: () = assert!(size_of::<AtomicUsize>() == 8, "the instructions move words of 8 bytes");
const _: () = assert!(
    offset_of!(Slot, local) + offset_of!(LocalStack, top) == 0,
    "the commit takes a slot's address for its top's"
);

/// What an attempt gives that was aborted, where it gives a number of objects.
pub(super) const ABORTED: usize = usize::MAX;

/// What came of an attempt that gives nothing else.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Attempt {
    Done,
    Missed,
    Aborted,
}
