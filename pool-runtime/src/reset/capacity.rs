//! [`LimitCapacity`], and its implementations for the types of std.

use core::cell::RefCell;
use core::hash::{BuildHasher, Hash};
use std::borrow::Cow;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Mutex, RwLock};

/// Gives back the memory that a container has in excess of a limit.
///
/// `#[derive(Pooled)]` calls it, after the reset, on every field with `#[pooled(max_capacity = n)]`: one giant request does
/// not make its buffer giant for ever.
///
/// Elements are never lost: a container that holds more than the limit is shrunk to its length. A container whose capacity is within the limit is
/// left alone, which costs a comparison; any other is reallocated. A hash table that is kept small is also fast to reset: a `clear` takes time in
/// proportion to the capacity.
///
/// There is no derive: the fields of a struct rarely have one limit in common. `#[derive(Reset)]` takes `max_capacity` on each.
///
/// # Units
///
/// | type | unit |
/// |---|---|
/// | `Vec`, `VecDeque`, `BinaryHeap` | elements; the memory that they own is not counted |
/// | `String`, `OsString`, `PathBuf` | bytes |
/// | `HashMap`, `HashSet` | elements: the smallest table that has room for so many, which may have room for more |
/// | `Box`, `Option`, `RefCell`, `Mutex`, `RwLock`, `Cursor`, an owned `Cow` | that of the value in it |
/// | arrays, slices, tuples up to twelve | that of each value in it, and each may have so many |
///
/// Behind the [features](crate#features) of their crates' names:
///
/// | type | unit |
/// |---|---|
/// | `bytes`: `BytesMut` | bytes of the memory, read past or not, if this handle alone has it; bytes of its capacity, if the memory is shared |
/// | `smallvec`: `SmallVec` | elements on the heap; inline ones cost nothing |
/// | `hashbrown`: `HashMap`, `HashSet`; `indexmap`: `IndexMap`, `IndexSet` | elements, as for those of std |
/// | `zeroize`: `Zeroizing` | that of the value in it; elements that are moved leave a copy behind, as with every growth |
///
/// `BTreeMap`, `BTreeSet` and `LinkedList` have no capacity: they own memory for their elements alone. That of `ArrayVec` and of
/// heapless' types is part of their type.
///
/// # Examples
///
/// ```
/// use pool_runtime::LimitCapacity;
///
/// let mut body: Vec<u8> = Vec::with_capacity(100_000_000);
/// body.limit_capacity(64 * 1024);
/// assert!((65_536..100_000).contains(&body.capacity()));
///
/// let mut text = "longer than four".to_owned();
/// text.limit_capacity(4);
/// assert_eq!(text, "longer than four");
/// ```
///
/// For a container of the program's own:
///
/// ```
/// use pool_runtime::LimitCapacity;
///
/// struct Stack {
///     values: Vec<f64>,
///     frames: Vec<usize>,
/// }
///
/// impl LimitCapacity for Stack {
///     fn limit_capacity(&mut self, max: usize) {
///         self.values.limit_capacity(max);
///         self.frames.limit_capacity(max);
///     }
/// }
/// # let mut stack = Stack { values: Vec::with_capacity(10_000), frames: Vec::with_capacity(10_000) };
/// # stack.limit_capacity(10);
/// # assert!(stack.values.capacity() < 1_000 && stack.frames.capacity() < 1_000);
/// ```
#[diagnostic::on_unimplemented(
    message = "the capacity of `{Self}` cannot be limited",
    label = "no `LimitCapacity` for this field's type",
    note = "implement `LimitCapacity`, or leave `max_capacity` out; `#[pooled(retain = path)]` on the type can look at any field"
)]
pub trait LimitCapacity {
    /// Shrinks the container to a capacity of `max` elements, or of as many as it holds, if it holds more.
    fn limit_capacity(&mut self, max: usize);
}

/// `shrink_to` of each type does nothing if the capacity is within the limit, and keeps the elements.
macro_rules! limit_by_shrink_to {
    ($([$($params:tt)*] $ty:ty;)+) => {$(
        impl<$($params)*> LimitCapacity for $ty {
            #[inline]
            fn limit_capacity(&mut self, max: usize) {
                self.shrink_to(max);
            }
        }
    )+};
}

limit_by_shrink_to! {
    [T] Vec<T>;
    [T] VecDeque<T>;
    [T: Ord] BinaryHeap<T>;
    [K: Eq + Hash, V, S: BuildHasher] HashMap<K, V, S>;
    [T: Eq + Hash, S: BuildHasher] HashSet<T, S>;
    [] String;
    [] OsString;
    [] PathBuf;
}

impl<T: LimitCapacity + ?Sized> LimitCapacity for Box<T> {
    #[inline]
    fn limit_capacity(&mut self, max: usize) {
        (**self).limit_capacity(max);
    }
}

impl<T: ToOwned<Owned: LimitCapacity> + ?Sized> LimitCapacity for Cow<'_, T> {
    #[inline]
    fn limit_capacity(&mut self, max: usize) {
        if let Cow::Owned(value) = self {
            value.limit_capacity(max);
        }
    }
}

macro_rules! limit_tuples {
    ($($($name:ident)+;)+) => {$(
        impl<$($name: LimitCapacity),+> LimitCapacity for ($($name,)+) {
            #[inline]
            fn limit_capacity(&mut self, max: usize) {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                $($name.limit_capacity(max);)+
            }
        }
    )+};
}

limit_tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
    A B C D E F G H I J K L;
}

impl<T: LimitCapacity> LimitCapacity for Option<T> {
    #[inline]
    fn limit_capacity(&mut self, max: usize) {
        if let Some(value) = self {
            value.limit_capacity(max);
        }
    }
}

impl<T: LimitCapacity> LimitCapacity for [T] {
    #[inline]
    fn limit_capacity(&mut self, max: usize) {
        self.iter_mut().for_each(|value| value.limit_capacity(max));
    }
}

impl<T: LimitCapacity, const N: usize> LimitCapacity for [T; N] {
    #[inline]
    fn limit_capacity(&mut self, max: usize) {
        self.as_mut_slice().limit_capacity(max);
    }
}

impl<T: LimitCapacity + ?Sized> LimitCapacity for RefCell<T> {
    #[inline]
    fn limit_capacity(&mut self, max: usize) {
        self.get_mut().limit_capacity(max);
    }
}

impl<T: LimitCapacity + ?Sized> LimitCapacity for Mutex<T> {
    #[inline]
    fn limit_capacity(&mut self, max: usize) {
        self.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).limit_capacity(max);
    }
}

impl<T: LimitCapacity + ?Sized> LimitCapacity for RwLock<T> {
    #[inline]
    fn limit_capacity(&mut self, max: usize) {
        self.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).limit_capacity(max);
    }
}

impl<T: LimitCapacity> LimitCapacity for Cursor<T> {
    #[inline]
    fn limit_capacity(&mut self, max: usize) {
        self.get_mut().limit_capacity(max);
    }
}
