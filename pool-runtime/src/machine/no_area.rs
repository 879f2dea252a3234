//! Stands in for `area` on a platform without restartable sequences: the same names, and no [`Area`] that they could be called on.

use core::convert::Infallible;

use crate::machine::backend::Reason;

pub(crate) const HAS_SEQUENCES: bool = false;

#[derive(Clone, Copy)]
pub(crate) struct Area(pub(crate) Infallible);

pub(super) fn detect(_ids: bool) -> Result<isize, Reason> {
    Err(Reason::Platform)
}

impl Area {
    #[inline]
    pub(crate) fn from_offset(_offset: isize) -> Option<Self> {
        None
    }

    pub(crate) fn offset(self) -> isize {
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
}
