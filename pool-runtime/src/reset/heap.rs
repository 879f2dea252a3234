//! [`HeapBytes`], and its implementations for the types of std.

use core::cell::RefCell;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Mutex, RwLock};

/// How many bytes a value owns on the heap, by its capacity.
///
/// `#[derive(Pooled)]` with `#[pooled(weigh)]` adds these bytes up: a field whose type has no `HeapBytes` counts with its size alone. The memory that
/// the elements of a container own is not counted. For an idle object the sum is mostly the truth all the same, since its containers have been
/// cleared. The allocator's own memory is not counted either.
///
/// # Counted memory
///
/// | type | |
/// |---|---|
/// | `Vec`, `VecDeque`, `BinaryHeap`, `String`, `OsString`, `PathBuf` | the capacity |
/// | `HashMap`, `HashSet` | about the memory of a table with that capacity |
/// | `Box` | the value in it |
/// | `Option`, `RefCell`, `Mutex`, `RwLock`, `Cursor`; arrays, slices | that of the values in it; nothing while it is locked |
///
/// Behind the [features](crate#features) of their crates' names: `BytesMut`, `SmallVec`, `Zeroizing`, the tables, maps and sets of `hashbrown` and
/// `indexmap`.
///
/// # Examples
///
/// ```
/// use pool_runtime::HeapBytes;
///
/// assert_eq!(Vec::<u32>::with_capacity(1000).heap_bytes(), 4000);
/// ```
///
/// For a type of the program's that is a field of a pooled type:
///
/// ```
/// use pool_runtime::HeapBytes;
///
/// struct Stack {
///     values: Vec<f64>,
///     frames: Vec<usize>,
/// }
///
/// impl HeapBytes for Stack {
///     fn heap_bytes(&self) -> usize {
///         self.values.heap_bytes() + self.frames.heap_bytes()
///     }
/// }
/// # assert_eq!(Stack { values: Vec::with_capacity(1), frames: Vec::new() }.heap_bytes(), 8);
/// ```
pub trait HeapBytes {
    /// The bytes that the value owns beside itself.
    fn heap_bytes(&self) -> usize;
}

macro_rules! by_capacity {
    ($([$($params:tt)*] $ty:ty, $element:ty;)+) => {$(
        impl<$($params)*> HeapBytes for $ty {
            #[inline]
            fn heap_bytes(&self) -> usize {
                // Elements that take up no room may be as many as can be counted.
                self.capacity().saturating_mul(size_of::<$element>())
            }
        }
    )+};
}

by_capacity! {
    [T] Vec<T>, T;
    [T] VecDeque<T>, T;
    [T] BinaryHeap<T>, T;
    [] String, u8;
    [] OsString, u8;
    [] PathBuf, u8;
}

/// About the bytes of a hash table that has room for `capacity` elements: seven of eight places are used, each place has a byte beside it, and there
/// are 16 bytes more.
pub(crate) fn table(capacity: usize, element: usize) -> usize {
    if capacity == 0 {
        return 0;
    }
    let places = if capacity < 8 { capacity + 1 } else { capacity / 7 * 8 };
    places.saturating_mul(element + 1).saturating_add(16)
}

impl<K, V, S> HeapBytes for HashMap<K, V, S> {
    #[inline]
    fn heap_bytes(&self) -> usize {
        table(self.capacity(), size_of::<(K, V)>())
    }
}

impl<T, S> HeapBytes for HashSet<T, S> {
    #[inline]
    fn heap_bytes(&self) -> usize {
        table(self.capacity(), size_of::<T>())
    }
}

impl<T: ?Sized> HeapBytes for Box<T> {
    #[inline]
    fn heap_bytes(&self) -> usize {
        size_of_val(&**self)
    }
}

impl<T: HeapBytes> HeapBytes for Option<T> {
    #[inline]
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, T::heap_bytes)
    }
}

impl<T: HeapBytes> HeapBytes for [T] {
    #[inline]
    fn heap_bytes(&self) -> usize {
        self.iter().map(T::heap_bytes).sum()
    }
}

impl<T: HeapBytes, const N: usize> HeapBytes for [T; N] {
    #[inline]
    fn heap_bytes(&self) -> usize {
        self.as_slice().heap_bytes()
    }
}

impl<T: HeapBytes + ?Sized> HeapBytes for RefCell<T> {
    #[inline]
    fn heap_bytes(&self) -> usize {
        self.try_borrow().map_or(0, |value| value.heap_bytes())
    }
}

impl<T: HeapBytes + ?Sized> HeapBytes for Mutex<T> {
    #[inline]
    fn heap_bytes(&self) -> usize {
        self.try_lock().map_or(0, |value| value.heap_bytes())
    }
}

impl<T: HeapBytes + ?Sized> HeapBytes for RwLock<T> {
    #[inline]
    fn heap_bytes(&self) -> usize {
        self.try_read().map_or(0, |value| value.heap_bytes())
    }
}

impl<T: HeapBytes> HeapBytes for Cursor<T> {
    #[inline]
    fn heap_bytes(&self) -> usize {
        self.get_ref().heap_bytes()
    }
}
