//! Stands in for `sequence` on a platform without restartable sequences: the same names, for an [`Area`] that does not exist.

use core::convert::Infallible;

use crate::machine::area::Area;
use crate::slots::object::Object;
use crate::slots::slot::Slot;
use crate::slots::table::Tables;

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

impl Area {
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
