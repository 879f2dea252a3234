//! [`Reset`] for the types of std.

use core::cell::{Cell, OnceCell, RefCell, UnsafeCell};
use core::cmp::Reverse;
use core::convert::Infallible;
use core::hash::BuildHasherDefault;
use core::marker::{PhantomData, PhantomPinned};
use core::mem::{ManuallyDrop, MaybeUninit};
use core::num::{Saturating, Wrapping};
use core::ops::{Bound, Range, RangeFrom, RangeTo};
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::sync::atomic;
use core::time::Duration;
use core::{fmt, ptr};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CStr, CString, OsStr, OsString};
use std::hash::DefaultHasher;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::{self, Condvar, Mutex, Once, OnceLock, PoisonError, RwLock, TryLockError};
use std::{rc, vec};

use crate::reset::in_place::replace_with;
use crate::reset::{InBox, Reset};

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
    () => ();
    Duration::ZERO => Duration;
    "" => &str;
    Path::new("") => &Path;
    Default::default() => &OsStr, &CStr, Box<str>, Box<OsStr>, Box<CStr>;
    Path::new("").into() => Box<Path>;
    Condvar::new() => Condvar;
    io::empty() => io::Empty;
    io::sink() => io::Sink;
    fmt::Error => fmt::Error;
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

impl<T: InBox + ?Sized> Reset for Box<T> {
    #[inline]
    fn reset(&mut self) {
        (**self).reset_in_box();
    }

    #[inline]
    fn wipe_value(&mut self) {
        (**self).wipe_in_box();
    }
}

impl<T: Reset + Unpin> Reset for Pin<Box<T>> {
    #[inline]
    fn reset(&mut self) {
        (**self).reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        (**self).wipe_value();
    }
}

/// A new `CString` owns a byte, so an empty one is left alone.
impl Reset for CString {
    #[inline]
    fn reset(&mut self) {
        if !self.is_empty() {
            *self = CString::default();
        }
    }
}

impl<T> Reset for vec::IntoIter<T> {
    #[inline]
    fn reset(&mut self) {
        *self = vec::IntoIter::default();
    }
}

impl<T> Reset for rc::Weak<T> {
    #[inline]
    fn reset(&mut self) {
        *self = rc::Weak::new();
    }
}

impl<T> Reset for sync::Weak<T> {
    #[inline]
    fn reset(&mut self) {
        *self = sync::Weak::new();
    }
}

impl<T> Reset for *const T {
    #[inline]
    fn reset(&mut self) {
        *self = ptr::null();
    }
}

impl<T> Reset for *mut T {
    #[inline]
    fn reset(&mut self) {
        *self = ptr::null_mut();
    }
}

/// The value in it is not dropped, as by every assignment to a `MaybeUninit`.
impl<T> Reset for MaybeUninit<T> {
    #[inline]
    fn reset(&mut self) {
        *self = MaybeUninit::uninit();
    }
}

impl<T: Reset + ?Sized> Reset for ManuallyDrop<T> {
    #[inline]
    fn reset(&mut self) {
        (**self).reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        (**self).wipe_value();
    }
}

impl<T: Reset> Reset for AssertUnwindSafe<T> {
    #[inline]
    fn reset(&mut self) {
        self.0.reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.0.wipe_value();
    }
}

impl<T> Reset for Bound<T> {
    #[inline]
    fn reset(&mut self) {
        *self = Bound::Unbounded;
    }
}

impl<T: Reset> Reset for RangeFrom<T> {
    #[inline]
    fn reset(&mut self) {
        self.start.reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.start.wipe_value();
    }
}

impl<T: Reset> Reset for RangeTo<T> {
    #[inline]
    fn reset(&mut self) {
        self.end.reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.end.wipe_value();
    }
}

impl Reset for Infallible {
    fn reset(&mut self) {
        match *self {}
    }
}

impl<T: Reset> Reset for [T] {
    #[inline]
    fn reset(&mut self) {
        T::reset_slice(self);
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

/// A leaked guard of it is forgotten.
impl<T: Reset> Reset for RefCell<T> {
    #[inline]
    fn reset(&mut self) {
        if self.try_borrow_mut().is_err() {
            replace_with(self, |cell| RefCell::new(cell.into_inner()));
        }
        self.get_mut().reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.get_mut().wipe_value();
    }
}

/// A leaked guard of it is forgotten, and so is its poison.
impl<T: Reset> Reset for Mutex<T> {
    #[inline]
    fn reset(&mut self) {
        if matches!(self.try_lock(), Err(TryLockError::WouldBlock)) {
            replace_with(self, |mutex| Mutex::new(mutex.into_inner().unwrap_or_else(PoisonError::into_inner)));
        }
        self.clear_poison();
        self.get_mut().unwrap_or_else(PoisonError::into_inner).reset();
    }

    #[inline]
    fn wipe_value(&mut self) {
        self.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).wipe_value();
    }
}

/// A leaked guard of it is forgotten, and so is its poison.
impl<T: Reset> Reset for RwLock<T> {
    #[inline]
    fn reset(&mut self) {
        if matches!(self.try_write(), Err(TryLockError::WouldBlock)) {
            replace_with(self, |lock| RwLock::new(lock.into_inner().unwrap_or_else(PoisonError::into_inner)));
        }
        self.clear_poison();
        self.get_mut().unwrap_or_else(PoisonError::into_inner).reset();
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
