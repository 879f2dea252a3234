//! The traits that a [`Guard`] forwards to its object: std's traits that `Box<T>` forwards too, and those of other crates behind
//! features. The traits that lend, show and compare the object stand in `guard`.

use core::error::Error;
use core::fmt::{self, Pointer};
use core::hash::Hasher;
use core::iter::FusedIterator;
use std::io::{self, BufRead, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};

use crate::{Guard, Pooled};

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

/// The object's address.
impl<T: Pooled> Pointer for Guard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object: *const T = &raw const **self;
        object.fmt(f)
    }
}

impl<T: Pooled + Read> Read for Guard<T> {
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

impl<T: Pooled + BufRead> BufRead for Guard<T> {
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

impl<T: Pooled + Write> Write for Guard<T> {
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

impl<T: Pooled + Seek> Seek for Guard<T> {
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

impl<T: Pooled + fmt::Write> fmt::Write for Guard<T> {
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

impl<T: Pooled + Iterator> Iterator for Guard<T> {
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

impl<T: Pooled + DoubleEndedIterator> DoubleEndedIterator for Guard<T> {
    fn next_back(&mut self) -> Option<T::Item> {
        (**self).next_back()
    }

    fn nth_back(&mut self, n: usize) -> Option<T::Item> {
        (**self).nth_back(n)
    }
}

impl<T: Pooled + ExactSizeIterator> ExactSizeIterator for Guard<T> {
    fn len(&self) -> usize {
        (**self).len()
    }
}

impl<T: Pooled + FusedIterator> FusedIterator for Guard<T> {}

impl<T: Pooled + Error> Error for Guard<T> {
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

macro_rules! forward_numbers {
    ($($write:ident($number:ty),)+) => {$(
        fn $write(&mut self, number: $number) {
            (**self).$write(number);
        }
    )+};
}

impl<T: Pooled + Hasher> Hasher for Guard<T> {
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
impl<T: Pooled + serde::Serialize> serde::Serialize for Guard<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}
