//! Stands in for `rseq` where there are no restartable sequences: the same names, and no [`Area`] or [`Permanent`]
//! that they could be called on.

use core::convert::Infallible;

use super::Reason;
use crate::slots::object::Object;
use crate::slots::slot::Slot;
use crate::slots::table::Tables;

/// No slot has an offset, since there are no sequences to load it. But loom looks at the threads that publish them.
pub(crate) const OFFSETS: usize = if cfg!(pool_loom) { 2 } else { 0 };

#[derive(Clone, Copy)]
pub(crate) struct Area(Infallible);

#[derive(Clone, Copy)]
pub(crate) struct Permanent(Infallible);

impl Permanent {
    #[inline]
    pub(crate) fn at_load() -> Option<Self> {
        None
    }

    pub(crate) fn pop(self, _tables: &'static Tables) -> Option<Object> {
        match self.0 {}
    }

    pub(crate) fn push(self, _tables: &'static Tables, _object: Object) -> Result<(), Object> {
        match self.0 {}
    }
}

pub(super) fn detect(_ids: bool) -> Result<isize, Reason> {
    Err(Reason::Platform)
}

impl Area {
    #[inline]
    pub(crate) fn from_offset(_code: isize) -> Option<Self> {
        None
    }

    pub(crate) fn offset(self) -> isize {
        match self.0 {}
    }

    pub(super) fn set_at_load(self) {
        match self.0 {}
    }

    pub(super) fn has_ids(self) -> bool {
        match self.0 {}
    }

    pub(super) fn number(self) -> Option<usize> {
        match self.0 {}
    }

    pub(super) fn note(self, _number: usize) {
        match self.0 {}
    }

    pub(super) fn fence(self) -> bool {
        match self.0 {}
    }

    pub(crate) fn pop(self, _tables: &'static Tables) -> Option<Object> {
        match self.0 {}
    }

    pub(crate) fn push(self, _tables: &'static Tables, _object: Object) -> Result<(), Object> {
        match self.0 {}
    }

    pub(crate) fn pop_many(self, _tables: &'static Tables, _to: &mut Vec<Object>, _most: usize) -> usize {
        match self.0 {}
    }

    pub(crate) fn push_many(self, _tables: &'static Tables, _from: &mut Vec<Object>, _most: usize) -> usize {
        match self.0 {}
    }

    pub(crate) fn pop_again(self, _tables: &'static Tables) -> Option<Object> {
        match self.0 {}
    }

    pub(crate) fn push_again(self, _tables: &'static Tables, _object: Object) -> Result<(), Object> {
        match self.0 {}
    }

    pub(crate) fn open_top(self, _tables: &'static Tables, _slot: &'static Slot) -> bool {
        match self.0 {}
    }

    pub(crate) fn change_limit(self, _tables: &'static Tables, _slot: &'static Slot, _old: usize, _new: usize) -> bool {
        match self.0 {}
    }
}
