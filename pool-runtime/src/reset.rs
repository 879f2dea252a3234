//! [`Reset`], and its implementations for the types of std.

use core::cell::{Cell, OnceCell, RefCell};
use core::marker::{PhantomData, PhantomPinned};
use core::num::{Saturating, Wrapping};
use core::ptr;
use core::sync::atomic;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::OsString;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, RwLock};

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
/// | numbers and their atomics, `Wrapping`, `Saturating`, `Duration` | zero | |
/// | `bool`, `AtomicBool` | `false` | |
/// | `char` | `'\0'` | |
/// | `AtomicPtr` | null | what it points to is not freed |
/// | `Option`, `OnceCell`, `OnceLock` | empty | nothing |
/// | `Box`, arrays, slices, tuples up to twelve | each value in it reset | what each value keeps |
/// | `Cell` | the default of the type in it | nothing |
/// | `RefCell`, `Mutex`, `RwLock` | the value in it reset; not poisoned | what that value keeps |
/// | `Cursor` | the value in it reset, and at position 0 | what that value keeps |
/// | `()`, `PhantomData`, `PhantomPinned` | | |
///
/// A reset is not an erasure: the bytes of a cleared buffer stay in memory until they are written over.
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
}

impl<T: Reset> Reset for [T] {
    #[inline]
    fn reset(&mut self) {
        self.iter_mut().for_each(T::reset);
    }
}

impl<T: Reset, const N: usize> Reset for [T; N] {
    #[inline]
    fn reset(&mut self) {
        self.as_mut_slice().reset();
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

impl<T: Default> Reset for Cell<T> {
    #[inline]
    fn reset(&mut self) {
        self.set(T::default());
    }
}

impl<T: Reset + ?Sized> Reset for RefCell<T> {
    #[inline]
    fn reset(&mut self) {
        self.get_mut().reset();
    }
}

impl<T: Reset + ?Sized> Reset for Mutex<T> {
    #[inline]
    fn reset(&mut self) {
        self.clear_poison();
        self.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).reset();
    }
}

impl<T: Reset + ?Sized> Reset for RwLock<T> {
    #[inline]
    fn reset(&mut self) {
        self.clear_poison();
        self.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).reset();
    }
}

impl<T: Reset> Reset for Cursor<T> {
    #[inline]
    fn reset(&mut self) {
        self.get_mut().reset();
        self.set_position(0);
    }
}

impl<T: ?Sized> Reset for PhantomData<T> {
    #[inline]
    fn reset(&mut self) {}
}

impl Reset for PhantomPinned {
    #[inline]
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use core::fmt::Debug;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn after<T: Reset>(mut value: T) -> T {
        value.reset();
        value
    }

    #[test]
    fn a_reset_value_is_the_default() {
        fn check<T: Reset + Default + PartialEq + Debug>(value: T) {
            assert_ne!(value, T::default(), "already as after a reset");
            assert_eq!(after(value), T::default());
        }
        check(vec![1]);
        check(VecDeque::from([1]));
        check(LinkedList::from([1]));
        check(HashMap::from([(1, 2)]));
        check(HashSet::from([1]));
        check(BTreeMap::from([(1, 2)]));
        check(BTreeSet::from([1]));
        check("text".to_owned());
        check(OsString::from("text"));
        check(PathBuf::from("a/b"));
        check((1_u8, 2_u16, 3_u32, 4_u64, 5_u128, 6_usize));
        check((-1_i8, -2_i16, -3_i32, -4_i64, -5_i128, -6_isize));
        check((1.5_f32, f64::NEG_INFINITY));
        check((true, 'x', Duration::from_secs(1), (), PhantomData::<str>));
        check(Some(String::from("text")));
        check(OnceCell::from(1));
        check(OnceLock::from(1));
        check(Box::new(1));
        check([vec![1], vec![2]]);
        check((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
        check(Wrapping(1));
        check(Saturating(1));
        check(Cell::new(1));
        check(RefCell::new(vec![1]));
    }

    #[test]
    fn types_without_equality_are_reset() {
        assert!(after(BinaryHeap::from([1])).is_empty());
        assert!(after(atomic::AtomicPtr::new(&mut 1)).into_inner().is_null());
        assert!(!after(atomic::AtomicBool::new(true)).into_inner());
        assert_eq!(after(atomic::AtomicU8::new(1)).into_inner(), 0);
        assert_eq!(after(atomic::AtomicI64::new(-1)).into_inner(), 0);
        assert_eq!(after(atomic::AtomicUsize::new(1)).into_inner(), 0);
        assert_eq!(*after(vec![1, 2].into_boxed_slice()), [0, 0]);
        let mut cursor = Cursor::new(vec![1, 2]);
        cursor.set_position(2);
        assert_eq!(after(cursor), Cursor::new(vec![]));
        let mut boxed: Box<dyn Reset> = Box::new(1);
        boxed.reset();
    }

    #[test]
    fn capacity_outlives_a_reset() {
        assert!(after(Vec::<u8>::with_capacity(64)).capacity() >= 64);
        assert!(after(vec![0_u8; 64]).capacity() >= 64);
        assert!(after(VecDeque::from([0_u8; 64])).capacity() >= 64);
        assert!(after(BinaryHeap::from([0_u8; 64])).capacity() >= 64);
        assert!(after("x".repeat(64)).capacity() >= 64);
        assert!(after(OsString::from("x".repeat(64))).capacity() >= 64);
        assert!(after(PathBuf::from("x".repeat(64))).capacity() >= 64);
        assert!(after((0..64).collect::<HashSet<u8>>()).capacity() >= 64);
        assert!(after((0..64).map(|n| (n, n)).collect::<HashMap<u8, u8>>()).capacity() >= 64);
        assert!(after(Mutex::new(vec![0_u8; 64])).into_inner().unwrap().capacity() >= 64);
        assert!(after(Cursor::new(vec![0_u8; 64])).into_inner().capacity() >= 64);
        assert!(after([vec![0_u8; 64]])[0].capacity() >= 64);
    }

    #[test]
    fn a_reset_cures_a_poisoned_lock() {
        let (mutex, lock) = (Mutex::new(1), RwLock::new(1));
        let poison = AssertUnwindSafe(|| {
            let _guards = (mutex.lock(), lock.write());
            panic!("poisons both");
        });
        assert!(catch_unwind(poison).is_err());
        assert!(mutex.is_poisoned() && lock.is_poisoned());
        assert_eq!(after(mutex).into_inner().unwrap(), 0);
        assert_eq!(after(lock).into_inner().unwrap(), 0);
    }
}
