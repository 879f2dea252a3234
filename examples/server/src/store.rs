//! Where contexts, buffers and scratch come from: the one place that knows it.
//!
//! A server has one store. The others are there to be compared with: `--store` chooses.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::thread::{self, LocalKey};

use clap::ValueEnum;
use pool_runtime::{Guard, Pooled};

/// A source of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    /// The pool of the type.
    Pooled,
    /// A vector in each thread. An object goes to the thread that drops it.
    ThreadLocal,
    /// None: an object is made for each use, and dropped after it.
    None,
}

impl Store {
    /// An object as good as new.
    pub(crate) fn acquire<T: Stored>(self) -> Held<T> {
        match self {
            Self::Pooled => Held::Pooled(T::acquire()),
            Self::ThreadLocal => {
                let object = T::list().with_borrow_mut(Vec::pop).unwrap_or_else(T::create_boxed);
                Held::Own { object: Some(object), kept: true }
            }
            Self::None => Held::Own { object: Some(T::create_boxed()), kept: false },
        }
    }
}

/// A list of objects that one thread has.
type List<T> = LocalKey<RefCell<Vec<Box<T>>>>;

/// A type that a store can hold: the macro `stored!` implements it.
pub(crate) trait Stored: Pooled {
    /// This thread's own list. It has no bound, as such lists have none.
    fn list() -> &'static List<Self>;
}

/// Gives a type its list in each thread.
macro_rules! stored {
    ($type:ty) => {
        impl $crate::store::Stored for $type {
            fn list() -> &'static std::thread::LocalKey<std::cell::RefCell<Vec<Box<Self>>>> {
                thread_local! {
                    static LIST: std::cell::RefCell<Vec<Box<$type>>> = const { std::cell::RefCell::new(Vec::new()) };
                }
                &LIST
            }
        }
    };
}
pub(crate) use stored;

/// An object in use. Its drop resets it and gives it back to where it came from.
///
/// It crosses `.await` and threads, as a [`Guard`] does.
pub(crate) enum Held<T: Stored> {
    Pooled(Guard<T>),
    Own {
        /// `None` only while it is dropped.
        object: Option<Box<T>>,
        /// Whether the thread that drops it keeps it.
        kept: bool,
    },
}

impl<T: Stored> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Pooled(guard) => guard,
            Self::Own { object, .. } => object.as_deref().expect("in use"),
        }
    }
}

impl<T: Stored> DerefMut for Held<T> {
    fn deref_mut(&mut self) -> &mut T {
        match self {
            Self::Pooled(guard) => guard,
            Self::Own { object, .. } => object.as_deref_mut().expect("in use"),
        }
    }
}

impl<T: Stored + AsRef<[u8]>> AsRef<[u8]> for Held<T> {
    fn as_ref(&self) -> &[u8] {
        (**self).as_ref()
    }
}

impl<T: Stored> Drop for Held<T> {
    fn drop(&mut self) {
        if let Self::Own { object, kept: true } = self
            && let Some(mut object) = object.take()
            && !thread::panicking()
        {
            T::reset_object(&mut object);
            // A thread that ends has no list any more: the object is dropped.
            let _ = T::list().try_with(|list| list.borrow_mut().push(object));
        }
    }
}
