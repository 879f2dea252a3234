//! The layout of slots that the sequences take for granted, and the results of an attempt.

use core::mem::{offset_of, size_of};
use core::sync::atomic::AtomicIsize;

use crate::slots::local::LocalStack;
use crate::slots::offsets::{OFFSETS, SlotOffsets};
use crate::slots::slot::Slot;
use crate::slots::table::Tables;
use crate::sync::AtomicUsize;

/// The place of the slots' offsets, from the tables.
pub(super) const BY_NUMBER: usize = offset_of!(Tables, offsets) + offset_of!(SlotOffsets<OFFSETS>, by_number);

const _: () = assert!(offset_of!(Tables, offsets) == 0, "an offset is from the tables");
const _: () = assert!(size_of::<AtomicUsize>() == 8, "the instructions move words of 8 bytes");
const _: () = assert!(
    offset_of!(Slot, local) + offset_of!(LocalStack, top) == 0,
    "the commit takes a slot's address for its top's"
);

/// The result of an aborted attempt that counts objects.
pub(super) const ABORTED: usize = usize::MAX;

/// The result of an attempt that gives nothing else.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Attempt {
    Done,
    Missed,
    Aborted,
}

/// The [offset](crate::machine::area::Area::offset) of the areas; zero until the program is loaded, if sequences are not used, and in a
/// library. The fast path takes it for a constant (invariant 9).
pub(super) static RSEQ_OFFSET: AtomicIsize = AtomicIsize::new(0);
