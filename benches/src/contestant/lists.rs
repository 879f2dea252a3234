//! What programs write for themselves: a list of boxed objects, on its own or from a crate.

#![allow(clippy::vec_box, reason = "an object that is in use has a stable address, as ours has")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crossbeam_queue::{ArrayQueue, SegQueue};
use parking_lot::Mutex;
use thread_local::ThreadLocal;

use super::object::BOUND;
use super::{Contestant, Discard, Entry, Object};
use crate::protocol::{Kind, Scenario};
use crate::scenario::cold::Types;
use crate::scenario::{http, plain, squeeze};
use crate::verify;

const THREAD_LOCAL_VEC: &str = "thread_local! Vec";
const LOCKED_VEC: &str = "parking_lot Mutex<Vec>";

pub(super) fn entries() -> Vec<Entry> {
    vec![
        Entry::many::<Listed<ThreadLocalVec>>(THREAD_LOCAL_VEC, Kind::Peer)
            .sends::<Listed<ThreadLocalVec>>()
            .discards::<Listed<ThreadLocalVec>>()
            .with(Scenario::Plain, plain::points_of::<ThreadLocalVec>)
            .with(Scenario::Squeeze, squeeze::files_of::<ThreadLocalVec>)
            .with(Scenario::Http, http::pages_of::<ThreadLocalVec>),
        Entry::many::<Listed<ThreadLocal<Cell<Option<Box<Object>>>>>>("thread_local crate, Cell", Kind::Peer)
            .sends::<Listed<ThreadLocal<Cell<Option<Box<Object>>>>>>()
            .discards::<Listed<ThreadLocal<Cell<Option<Box<Object>>>>>>(),
        Entry::many::<Listed<Mutex<Vec<Box<Object>>>>>(LOCKED_VEC, Kind::Peer)
            .sends::<Listed<Mutex<Vec<Box<Object>>>>>()
            .discards::<Listed<Mutex<Vec<Box<Object>>>>>(),
        Entry::many::<Listed<ArrayQueue<Box<Object>>>>("crossbeam ArrayQueue", Kind::Peer)
            .sends::<Listed<ArrayQueue<Box<Object>>>>()
            .discards::<Listed<ArrayQueue<Box<Object>>>>(),
        Entry::many::<Listed<SegQueue<Box<Object>>>>("crossbeam SegQueue", Kind::Peer)
            .sends::<Listed<SegQueue<Box<Object>>>>()
            .discards::<Listed<SegQueue<Box<Object>>>>(),
    ]
}

pub(super) fn entries_of_types<ThreadLocal: Types, Locked: Types>() -> Vec<Entry> {
    let entry = |name: &str, verify| Entry {
        name: name.to_owned(),
        kind: Kind::Peer,
        scenarios: BTreeMap::new(),
        most_held: None,
        verify,
    };
    vec![
        entry(THREAD_LOCAL_VEC, verify::one::<Listed<ThreadLocalVec>>).with_types::<ThreadLocal>(),
        entry(LOCKED_VEC, verify::one::<Listed<Mutex<Vec<Box<Object>>>>>).with_types::<Locked>(),
    ]
}

/// A list of objects that threads share, or have one each of.
pub(super) trait List: Sync + 'static {
    /// An empty one.
    fn empty() -> Self;
    /// Takes an object out.
    fn pop(&self) -> Option<Box<Object>>;
    /// Puts an object in, or drops it.
    fn push(&self, object: Box<Object>);
}

struct Listed<L>(PhantomData<L>);

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

struct Held<'a, L: List> {
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
pub struct ThreadLocalVec;

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
