//! Lists of boxed objects, as programs write them for themselves or take them from a crate.

#![allow(clippy::vec_box, reason = "an object that is in use has a stable address, as ours has")]

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crossbeam_queue::{ArrayQueue, SegQueue};
use parking_lot::Mutex;
use thread_local::ThreadLocal;

use super::object::BOUND;
use super::{Contestant, Discard, Object};

/// A list of objects, shared by the threads or in each thread.
pub(crate) trait List: Sync + 'static {
    /// An empty list.
    fn empty() -> Self;
    /// Takes an object out.
    fn pop(&self) -> Option<Box<Object>>;
    /// Puts an object in, or drops it.
    fn push(&self, object: Box<Object>);
}

pub(crate) struct Listed<L>(PhantomData<L>);

impl<L: List> Contestant for Listed<L> {
    type Pool = L;
    type Held<'a> = Held<'a, L>;

    fn pool() -> L {
        L::empty()
    }

    #[inline]
    fn acquire(list: &L) -> Held<'_, L> {
        Held { object: Some(list.pop().unwrap_or_else(|| Box::new(Object::counted()))), list }
    }
}

impl<L: List> Discard for Listed<L> {
    fn discard(mut held: Held<'_, L>) {
        held.object = None;
    }
}

pub(crate) struct Held<'a, L: List> {
    /// `None` only while it is dropped.
    object: Option<Box<Object>>,
    list: &'a L,
}

impl<L: List> Deref for Held<'_, L> {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        self.object.as_deref().expect("in use")
    }
}

impl<L: List> DerefMut for Held<'_, L> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Object {
        self.object.as_deref_mut().expect("in use")
    }
}

impl<L: List> Drop for Held<'_, L> {
    #[inline]
    fn drop(&mut self) {
        if let Some(mut object) = self.object.take() {
            object.reset();
            self.list.push(object);
        }
    }
}

/// A list in each thread. It goes with its thread.
pub(crate) struct ThreadLocalVec;

thread_local! {
    static LIST: RefCell<Vec<Box<Object>>> = const { RefCell::new(Vec::new()) };
}

impl List for ThreadLocalVec {
    fn empty() -> Self {
        Self
    }

    #[inline]
    fn pop(&self) -> Option<Box<Object>> {
        LIST.with_borrow_mut(Vec::pop)
    }

    #[inline]
    fn push(&self, object: Box<Object>) {
        LIST.with_borrow_mut(|list| list.push(object));
    }
}

impl List for ThreadLocal<Cell<Option<Box<Object>>>> {
    fn empty() -> Self {
        Self::new()
    }

    #[inline]
    fn pop(&self) -> Option<Box<Object>> {
        self.get_or_default().take()
    }

    #[inline]
    fn push(&self, object: Box<Object>) {
        self.get_or_default().set(Some(object));
    }
}

impl List for Mutex<Vec<Box<Object>>> {
    fn empty() -> Self {
        Self::default()
    }

    #[inline]
    fn pop(&self) -> Option<Box<Object>> {
        self.lock().pop()
    }

    #[inline]
    fn push(&self, object: Box<Object>) {
        self.lock().push(object);
    }
}

impl List for ArrayQueue<Box<Object>> {
    fn empty() -> Self {
        Self::new(BOUND)
    }

    #[inline]
    fn pop(&self) -> Option<Box<Object>> {
        Self::pop(self)
    }

    #[inline]
    fn push(&self, object: Box<Object>) {
        // Full: dropped.
        let _ = Self::push(self, object);
    }
}

impl List for SegQueue<Box<Object>> {
    fn empty() -> Self {
        Self::new()
    }

    #[inline]
    fn pop(&self) -> Option<Box<Object>> {
        Self::pop(self)
    }

    #[inline]
    fn push(&self, object: Box<Object>) {
        Self::push(self, object);
    }
}
