//! Lower bounds of a pool's cost. None of them shares objects between threads, so none is a pool.

use std::cell::Cell;
use std::hint::black_box;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crossbeam_utils::atomic::AtomicCell;

use super::{Contestant, Object};

/// An object that outlives its thread, so that a thread-local needs no destructor, and no look whether it has run.
pub(crate) type Leaked = &'static mut Object;

/// A thread-local place for one object.
pub(crate) trait Place: 'static {
    /// Passes the place's address to code that the compiler cannot see through. Otherwise the compiler keeps the object in a
    /// register from one round of the loop to the next, which it can only in a loop that contains every use of the place.
    fn show();

    fn swap(object: Option<Leaked>) -> Option<Leaked>;
}

pub(crate) struct Limit<P>(PhantomData<P>);

impl<P: Place> Contestant for Limit<P> {
    type Pool = ();
    type Held<'a> = Held<P>;

    fn pool() {
        P::show();
    }

    #[inline]
    fn acquire((): &()) -> Held<P> {
        let object = P::swap(None).unwrap_or_else(|| Box::leak(Box::new(Object::counted())));
        Held { object: Some(object), place: PhantomData }
    }
}

pub(crate) struct Held<P: Place> {
    /// `None` only while it is dropped.
    object: Option<Leaked>,
    place: PhantomData<fn() -> P>,
}

impl<P: Place> Deref for Held<P> {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        self.object.as_deref().expect("in use")
    }
}

impl<P: Place> DerefMut for Held<P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Object {
        self.object.as_deref_mut().expect("in use")
    }
}

impl<P: Place> Drop for Held<P> {
    #[inline]
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            object.reset();
            P::swap(Some(object));
        }
    }
}

/// A plain exchange.
pub(crate) struct CellSwap;

thread_local! {
    static CELL: Cell<Option<Leaked>> = const { Cell::new(None) };
    static ATOMIC: AtomicCell<Option<Leaked>> = const { AtomicCell::new(None) };
}

impl Place for CellSwap {
    fn show() {
        CELL.with(|cell| {
            black_box(cell);
        });
    }

    #[inline]
    fn swap(object: Option<Leaked>) -> Option<Leaked> {
        CELL.with(|cell| cell.replace(object))
    }
}

/// An atomic exchange of a word that no other thread touches.
pub(crate) struct AtomicSwap;

impl Place for AtomicSwap {
    fn show() {
        ATOMIC.with(|cell| {
            black_box(cell);
        });
    }

    #[inline]
    fn swap(object: Option<Leaked>) -> Option<Leaked> {
        ATOMIC.with(|cell| cell.swap(object))
    }
}
