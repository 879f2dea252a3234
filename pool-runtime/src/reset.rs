//! [`Reset`], and its implementations for the types of std.

use core::cell::{Cell, OnceCell, RefCell, UnsafeCell};
use core::cmp::Reverse;
use core::hash::BuildHasherDefault;
use core::marker::{PhantomData, PhantomPinned};
use core::num::{Saturating, Wrapping};
use core::ops::Range;
use core::ptr;
use core::sync::atomic;
use core::time::Duration;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::OsString;
use std::hash::DefaultHasher;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, Once, OnceLock, RwLock};

use crate::{Guard, Pooled};

/// Makes a value as good as new, and keeps the memory that it owns.
///
/// `#[derive(Pooled)]` calls it on every field that has no key of its own.
///
/// # What is kept
///
/// | type | after the reset | kept |
/// |---|---|---|
/// | `Vec`, `VecDeque`, `BinaryHeap`, `String`, `OsString`, `PathBuf` | empty | the whole capacity; what the elements own is freed |
/// | `HashMap`, `HashSet` | empty | the whole capacity and the hasher |
/// | `BTreeMap`, `BTreeSet`, `LinkedList` | empty | nothing: their nodes are freed |
/// | numbers and their atomics, `Duration` | zero | |
/// | `bool`, `AtomicBool` | `false` | |
/// | `char` | `'\0'` | |
/// | `AtomicPtr` | null | what it points to is not freed |
/// | `&str`, `&[T]` | empty | |
/// | `Option`, `OnceCell`, `OnceLock` | empty | nothing |
/// | `Box`, arrays, slices, tuples up to twelve, `Range`, `Wrapping`, `Saturating`, `Reverse` | each value in it reset | what each value keeps |
/// | `Cell`, `UnsafeCell`, `RefCell`, `Mutex`, `RwLock` | the value in it reset; not poisoned | what that value keeps |
/// | `Cursor` | the value in it reset, and at position 0 | what that value keeps |
/// | `Cow` | owned, and its value reset | what an owned value keeps |
/// | [`Guard`](crate::Guard) | the object in it reset as a release does | the object, which stays in use |
/// | `DefaultHasher` | as new | |
/// | `Once` | not called | |
/// | `()`, `Condvar`, `BuildHasherDefault`, `PhantomData`, `PhantomPinned` | as before | |
///
/// The types of other crates stand behind the [features](crate#features) of their names:
///
/// | type | after the reset | kept |
/// |---|---|---|
/// | `bytes`: `BytesMut` | empty | the capacity that it has at that moment: what was split off has its own owner, and what was read past comes back with the next `reserve` |
/// | `bytes`: `Bytes` | empty | nothing: its share of the memory is released |
/// | `smallvec`: `SmallVec` | empty | the whole capacity, on the heap too |
/// | `arrayvec`: `ArrayVec`, `ArrayString` | empty | it has no memory of its own |
/// | `hashbrown`: `HashMap`, `HashSet`, `HashTable` | empty | the whole capacity and the hasher |
/// | `indexmap`: `IndexMap`, `IndexSet` | empty | the whole capacity and the hasher |
/// | `heapless`: `Vec`, `String`, `Deque`, `BinaryHeap`, `LinearMap`, `IndexMap`, `IndexSet`, `HistoryBuf` | empty | they have no memory of their own |
/// | `zeroize`: `Zeroizing` | wiped, as its value's `Zeroize` does it | what that `Zeroize` keeps: all of it for `Vec` and `String` |
///
/// # What has no reset
///
/// These types have none, since there is no one thing to do. A field of such a type says what it wants.
///
/// - `NonZero`, `Instant`, `SystemTime`, `IpAddr`: no value of theirs stands for nothing. `#[pooled(set = ..)]`, or an
///   `Option` around it.
/// - `Arc`, `Rc`, function pointers, `mpsc::Sender`: what is shared is not emptied for the others. `#[pooled(keep)]`.
/// - `Box<str>`, `CString`, `LazyLock`, `LazyCell`: they cannot be emptied in place. `#[pooled(default)]`, where there is a
///   default.
/// - `BufReader`, `BufWriter`, `LineWriter`, files and sockets: bytes are on their way. `#[pooled(with = ..)]` decides about
///   them.
/// - `RandomState`: a new one is another hasher. `#[pooled(keep)]`.
///
/// A reset is not an erasure: the bytes of a cleared buffer stay in memory until they are written over. `Zeroizing`, and the
/// key `zeroize` of the derive, erase: see [secrets](crate::secrets).
///
/// A `RefCell`, `Mutex` or `RwLock` whose guard was leaked with [`mem::forget`](core::mem::forget) is still borrowed or
/// locked after its reset.
///
/// # Examples
///
/// ```
/// use pool_runtime::Reset;
///
/// struct Decoder {
///     window: Vec<u8>,
///     position: usize,
/// }
///
/// impl Reset for Decoder {
///     fn reset(&mut self) {
///         self.window.reset();
///         self.position.reset();
///     }
/// }
///
/// let mut decoders = [Decoder { window: vec![1, 2, 3], position: 3 }];
/// decoders.reset();
/// assert!(decoders[0].window.is_empty());
/// assert!(decoders[0].window.capacity() >= 3);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be reset for reuse",
    label = "no `Reset` for this field's type",
    note = "implement `Reset`, or mark the field `#[pooled(default)]`, `#[pooled(with = path)]` or `#[pooled(keep)]`"
)]
pub trait Reset {
    /// Makes the value as good as new.
    fn reset(&mut self);

    /// Wipes what is secret in a value that is part of an object which a pool is about to drop.
    ///
    /// `#[derive(Reset)]` writes it from the field key `zeroize`, and for the fields without a key. Types that hold one value
    /// or several in place hand it on to each; others do nothing. See [secrets](crate::secrets).
    #[inline]
    fn wipe_value(&mut self) {}
}

macro_rules! reset_by {
    (clear: $($(#[$attr:meta])* [$($params:tt)*] $ty:ty;)+) => {$(
        $(#[$attr])*
        impl<$($params)*> Reset for $ty {
            #[inline]
            fn reset(&mut self) {
                self.clear();
            }
        }
    )+};
    (value: $($value:expr => $($ty:ty),+;)+) => {$($(
        impl Reset for $ty {
            #[inline]
            fn reset(&mut self) {
                *self = $value;
            }
        }
    )+)+};
    (atomic: $($width:literal, $value:expr => $($ty:ident),+;)+) => {$($(
        #[cfg(target_has_atomic = $width)]
        impl Reset for atomic::$ty {
            #[inline]
            fn reset(&mut self) {
                *self.get_mut() = $value;
            }
        }
    )+)+};
    (tuple: $($($name:ident)+;)+) => {$(
        impl<$($name: Reset),+> Reset for ($($name,)+) {
            #[inline]
            fn reset(&mut self) {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                $($name.reset();)+
            }

            #[inline]
            fn wipe_value(&mut self) {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                $($name.wipe_value();)+
            }
        }
    )+};
}

reset_by! { clear:
    [T] Vec<T>;
    [T] VecDeque<T>;
    [T] BinaryHeap<T>;
    [T] LinkedList<T>;
    [K, V, S] HashMap<K, V, S>;
    [T, S] HashSet<T, S>;
    [K, V] BTreeMap<K, V>;
    [T] BTreeSet<T>;
    [] String;
    [] OsString;
    [] PathBuf;
}

reset_by! { value:
    0 => u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize;
    0.0 => f32, f64;
    false => bool;
    '\0' => char;
    () => ();
    Duration::ZERO => Duration;
    "" => &str;
    DefaultHasher::new() => DefaultHasher;
    Once::new() => Once;
}

reset_by! { atomic:
    "8", 0 => AtomicU8, AtomicI8;
    "8", false => AtomicBool;
    "16", 0 => AtomicU16, AtomicI16;
    "32", 0 => AtomicU32, AtomicI32;
    "64", 0 => AtomicU64, AtomicI64;
    "ptr", 0 => AtomicUsize, AtomicIsize;
}

reset_by! { tuple:
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

#[cfg(target_has_atomic = "ptr")]
impl<T> Reset for atomic::AtomicPtr<T> {
    #[inline]
    fn reset(&mut self) {
        *self.get_mut() = ptr::null_mut();
    }
}

impl<T> Reset for &[T] {
    #[inline]
    fn reset(&mut self) {
        *self = &[];
    }
}

impl<T> Reset for Option<T> {
    #[inline]
    fn reset(&mut self) {
        *self = None;
    }
}

impl<T> Reset for OnceCell<T> {
    #[inline]
    fn reset(&mut self) {
        self.take();
    }
}

impl<T> Reset for OnceLock<T> {
    #[inline]
    fn reset(&mut self) {
        self.take();
    }
}

impl<T: Reset + ?Sized> Reset for Box<T> {
    #[inline]
    fn reset(&mut self) {
        (**self).reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        (**self).wipe_value();
    }
}

impl<T: Reset> Reset for [T] {
    #[inline]
    fn reset(&mut self) {
        self.iter_mut().for_each(T::reset);
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.iter_mut().for_each(T::wipe_value);
    }
}

impl<T: Reset, const N: usize> Reset for [T; N] {
    #[inline]
    fn reset(&mut self) {
        self.as_mut_slice().reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.as_mut_slice().wipe_value();
    }
}

impl<T: Reset> Reset for Wrapping<T> {
    #[inline]
    fn reset(&mut self) {
        self.0.reset();
    }
}

impl<T: Reset> Reset for Saturating<T> {
    #[inline]
    fn reset(&mut self) {
        self.0.reset();
    }
}

impl<T: Reset> Reset for Reverse<T> {
    #[inline]
    fn reset(&mut self) {
        self.0.reset();
    }
}

impl<T: Reset> Reset for Range<T> {
    #[inline]
    fn reset(&mut self) {
        self.start.reset();
        self.end.reset();
    }
}

impl<T: ToOwned<Owned: Reset + Default> + ?Sized> Reset for Cow<'_, T> {
    #[inline]
    fn reset(&mut self) {
        match self {
            Cow::Owned(value) => value.reset(),
            Cow::Borrowed(_) => *self = Cow::Owned(Default::default()),
        }
    }
}

impl<T: Reset + ?Sized> Reset for Cell<T> {
    #[inline]
    fn reset(&mut self) {
        self.get_mut().reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.get_mut().wipe_value();
    }
}

impl<T: Reset + ?Sized> Reset for UnsafeCell<T> {
    #[inline]
    fn reset(&mut self) {
        self.get_mut().reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.get_mut().wipe_value();
    }
}

impl<T: Reset + ?Sized> Reset for RefCell<T> {
    #[inline]
    fn reset(&mut self) {
        self.get_mut().reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.get_mut().wipe_value();
    }
}

impl<T: Reset + ?Sized> Reset for Mutex<T> {
    #[inline]
    fn reset(&mut self) {
        self.clear_poison();
        self.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).wipe_value();
    }
}

impl<T: Reset + ?Sized> Reset for RwLock<T> {
    #[inline]
    fn reset(&mut self) {
        self.clear_poison();
        self.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).wipe_value();
    }
}

impl<T: Reset> Reset for Cursor<T> {
    #[inline]
    fn reset(&mut self) {
        self.get_mut().reset();
        self.set_position(0);
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.get_mut().wipe_value();
    }
}

/// Resets the object by the rules of its own pool; it stays in use. For fields that are guards.
///
/// Where this trait is in scope, `guard.reset()` is this, though `T` may have a `reset` of its own: that one is
/// `(*guard).reset()`.
impl<T: Pooled> Reset for Guard<T> {
    #[inline]
    fn reset(&mut self) {
        T::reset_object(self);
    }
}

/// Whoever has it alone finds no state in it: nobody waits for it.
impl Reset for Condvar {
    #[inline]
    fn reset(&mut self) {}
}

impl<H> Reset for BuildHasherDefault<H> {
    #[inline]
    fn reset(&mut self) {}
}

impl<T: ?Sized> Reset for PhantomData<T> {
    #[inline]
    fn reset(&mut self) {}
}

impl Reset for PhantomPinned {
    #[inline]
    fn reset(&mut self) {}
}
