//! SKELETON: replaced by the real pool.
#![allow(missing_docs)]
use crate::{Guard, Pooled};
use core::marker::PhantomData;

/// A pool.
pub struct Pool<T> {
    name: &'static str,
    _t: PhantomData<fn() -> T>,
}

impl<T: Pooled> Pool<T> {
    pub const fn new(name: &'static str) -> Self {
        Self { name, _t: PhantomData }
    }
    #[must_use]
    pub const fn with_max_idle(self, _n: usize) -> Self {
        self
    }
    #[must_use]
    pub const fn with_local(self, _n: usize) -> Self {
        self
    }
    pub fn name(&self) -> &'static str {
        self.name
    }
    pub(crate) fn acquire(&'static self) -> Guard<T> {
        Guard::new(Box::new(T::create_object()))
    }
    pub(crate) fn try_acquire(&'static self) -> Option<Guard<T>> {
        None
    }
    pub(crate) fn adopt(&'static self, value: T) -> Guard<T> {
        Guard::new(Box::new(value))
    }
    pub(crate) fn prefill(&'static self, _n: usize) -> usize {
        0
    }
    pub(crate) fn note_detached(&'static self) {}
    pub(crate) fn discard(&'static self, object: Box<T>) {
        drop(object);
    }
    pub(crate) fn release(&'static self, mut object: Box<T>) {
        T::reset_object(&mut object);
        let _ = T::retain_object(&object);
    }
    pub fn stats(&'static self) -> crate::stats::Stats {
        Default::default()
    }
    pub fn idle(&'static self) -> usize {
        0
    }
    pub fn max_idle(&'static self) -> usize {
        0
    }
    pub fn set_max_idle(&'static self, _n: usize) {}
    pub fn collect(&'static self) {}
    pub fn age(&'static self) {}
}
