//! The traits that a [`Guard`] and an [`OwnedGuard`] forward to their objects: std's traits that `Box<T>` forwards too, and those of other crates
//! behind features. Both have the same.

use core::borrow::{Borrow, BorrowMut};
use core::cmp::Ordering;
use core::error::Error;
use core::fmt::{self, Pointer};
use core::hash::{Hash, Hasher};
use core::iter::FusedIterator;
use std::io::{self, BufRead, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};

use crate::typed::hooks::Hooks;
use crate::{Guard, OwnedGuard, Pooled};

/// Acquires an object: an idle one, or a new one.
impl<T: Pooled> Default for Guard<T> {
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn default() -> Self {
        T::acquire()
    }
}

/// [Adopts](Pooled::adopt) the value.
impl<T: Pooled> From<T> for Guard<T> {
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn from(value: T) -> Self {
        T::adopt(value)
    }
}

/// [Adopts](Pooled::adopt_box) the object in its box.
impl<T: Pooled> From<Box<T>> for Guard<T> {
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn from(object: Box<T>) -> Self {
        T::adopt_box(object)
    }
}

macro_rules! forward_numbers {
    ($($write:ident($number:ty),)+) => {$(
        fn $write(&mut self, number: $number) {
            (**self).$write(number);
        }
    )+};
}

/// The traits for a guard whose objects are of types with this bound.
macro_rules! forward {
    ($guard:ident<T $(, $hooks:ident)?>: $($bound:tt)+) => {
        impl<T: $($bound)+ + AsRef<U> $(, $hooks: Hooks<T>)?, U: ?Sized> AsRef<U> for $guard<T $(, $hooks)?> {
            fn as_ref(&self) -> &U {
                (**self).as_ref()
            }
        }

        impl<T: $($bound)+ + AsMut<U> $(, $hooks: Hooks<T>)?, U: ?Sized> AsMut<U> for $guard<T $(, $hooks)?> {
            fn as_mut(&mut self) -> &mut U {
                (**self).as_mut()
            }
        }

        impl<T: $($bound)+ $(, $hooks: Hooks<T>)?> Borrow<T> for $guard<T $(, $hooks)?> {
            fn borrow(&self) -> &T {
                self
            }
        }

        impl<T: $($bound)+ $(, $hooks: Hooks<T>)?> BorrowMut<T> for $guard<T $(, $hooks)?> {
            fn borrow_mut(&mut self) -> &mut T {
                self
            }
        }

        impl<T: $($bound)+ + fmt::Debug $(, $hooks: Hooks<T>)?> fmt::Debug for $guard<T $(, $hooks)?> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: $($bound)+ + fmt::Display $(, $hooks: Hooks<T>)?> fmt::Display for $guard<T $(, $hooks)?> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: $($bound)+ + PartialEq $(, $hooks: Hooks<T>)?> PartialEq for $guard<T $(, $hooks)?> {
            fn eq(&self, other: &Self) -> bool {
                **self == **other
            }
        }

        impl<T: $($bound)+ + Eq $(, $hooks: Hooks<T>)?> Eq for $guard<T $(, $hooks)?> {}

        impl<T: $($bound)+ + PartialOrd $(, $hooks: Hooks<T>)?> PartialOrd for $guard<T $(, $hooks)?> {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                (**self).partial_cmp(&**other)
            }
        }

        impl<T: $($bound)+ + Ord $(, $hooks: Hooks<T>)?> Ord for $guard<T $(, $hooks)?> {
            fn cmp(&self, other: &Self) -> Ordering {
                (**self).cmp(&**other)
            }
        }

        impl<T: $($bound)+ + Hash $(, $hooks: Hooks<T>)?> Hash for $guard<T $(, $hooks)?> {
            fn hash<S: Hasher>(&self, state: &mut S) {
                (**self).hash(state);
            }
        }

        /// The object's address.
        impl<T: $($bound)+ $(, $hooks: Hooks<T>)?> Pointer for $guard<T $(, $hooks)?> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let object: *const T = &raw const **self;
                object.fmt(f)
            }
        }

        impl<T: $($bound)+ + Read $(, $hooks: Hooks<T>)?> Read for $guard<T $(, $hooks)?> {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                (**self).read(buf)
            }

            fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                (**self).read_vectored(bufs)
            }

            fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
                (**self).read_to_end(buf)
            }

            fn read_to_string(&mut self, buf: &mut String) -> io::Result<usize> {
                (**self).read_to_string(buf)
            }

            fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
                (**self).read_exact(buf)
            }
        }

        impl<T: $($bound)+ + BufRead $(, $hooks: Hooks<T>)?> BufRead for $guard<T $(, $hooks)?> {
            fn fill_buf(&mut self) -> io::Result<&[u8]> {
                (**self).fill_buf()
            }

            fn consume(&mut self, amount: usize) {
                (**self).consume(amount);
            }

            fn read_until(&mut self, byte: u8, buf: &mut Vec<u8>) -> io::Result<usize> {
                (**self).read_until(byte, buf)
            }

            fn skip_until(&mut self, byte: u8) -> io::Result<usize> {
                (**self).skip_until(byte)
            }

            fn read_line(&mut self, buf: &mut String) -> io::Result<usize> {
                (**self).read_line(buf)
            }
        }

        impl<T: $($bound)+ + Write $(, $hooks: Hooks<T>)?> Write for $guard<T $(, $hooks)?> {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                (**self).write(buf)
            }

            fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                (**self).write_vectored(bufs)
            }

            fn flush(&mut self) -> io::Result<()> {
                (**self).flush()
            }

            fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
                (**self).write_all(buf)
            }

            fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> io::Result<()> {
                (**self).write_fmt(arguments)
            }
        }

        impl<T: $($bound)+ + Seek $(, $hooks: Hooks<T>)?> Seek for $guard<T $(, $hooks)?> {
            fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
                (**self).seek(position)
            }

            fn rewind(&mut self) -> io::Result<()> {
                (**self).rewind()
            }

            fn stream_position(&mut self) -> io::Result<u64> {
                (**self).stream_position()
            }

            fn seek_relative(&mut self, offset: i64) -> io::Result<()> {
                (**self).seek_relative(offset)
            }
        }

        impl<T: $($bound)+ + fmt::Write $(, $hooks: Hooks<T>)?> fmt::Write for $guard<T $(, $hooks)?> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                (**self).write_str(text)
            }

            fn write_char(&mut self, character: char) -> fmt::Result {
                (**self).write_char(character)
            }

            fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> fmt::Result {
                (**self).write_fmt(arguments)
            }
        }

        impl<T: $($bound)+ + Iterator $(, $hooks: Hooks<T>)?> Iterator for $guard<T $(, $hooks)?> {
            type Item = T::Item;

            fn next(&mut self) -> Option<T::Item> {
                (**self).next()
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                (**self).size_hint()
            }

            fn nth(&mut self, n: usize) -> Option<T::Item> {
                (**self).nth(n)
            }
        }

        impl<T: $($bound)+ + DoubleEndedIterator $(, $hooks: Hooks<T>)?> DoubleEndedIterator for $guard<T $(, $hooks)?> {
            fn next_back(&mut self) -> Option<T::Item> {
                (**self).next_back()
            }

            fn nth_back(&mut self, n: usize) -> Option<T::Item> {
                (**self).nth_back(n)
            }
        }

        impl<T: $($bound)+ + ExactSizeIterator $(, $hooks: Hooks<T>)?> ExactSizeIterator for $guard<T $(, $hooks)?> {
            fn len(&self) -> usize {
                (**self).len()
            }
        }

        impl<T: $($bound)+ + FusedIterator $(, $hooks: Hooks<T>)?> FusedIterator for $guard<T $(, $hooks)?> {}

        impl<T: $($bound)+ + Error $(, $hooks: Hooks<T>)?> Error for $guard<T $(, $hooks)?> {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                (**self).source()
            }

            #[allow(deprecated)]
            fn description(&self) -> &str {
                (**self).description()
            }

            #[allow(deprecated)]
            fn cause(&self) -> Option<&dyn Error> {
                (**self).cause()
            }
        }

        impl<T: $($bound)+ + Hasher $(, $hooks: Hooks<T>)?> Hasher for $guard<T $(, $hooks)?> {
            fn finish(&self) -> u64 {
                (**self).finish()
            }

            fn write(&mut self, bytes: &[u8]) {
                (**self).write(bytes);
            }

            // A hasher may have a method of its own for each of these.
            forward_numbers! {
                write_u8(u8), write_u16(u16), write_u32(u32), write_u64(u64), write_u128(u128), write_usize(usize),
                write_i8(i8), write_i16(i16), write_i32(i32), write_i64(i64), write_i128(i128), write_isize(isize),
            }
        }

        #[cfg(feature = "serde")]
        impl<T: $($bound)+ + serde::Serialize $(, $hooks: Hooks<T>)?> serde::Serialize for $guard<T $(, $hooks)?> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                (**self).serialize(serializer)
            }
        }
    };
}

forward!(Guard<T>: Pooled);
forward!(OwnedGuard<T, H>: Send + 'static);
