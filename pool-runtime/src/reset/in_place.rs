//! Replaces values in place, in ways that safe code does not have.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::mem::{self, MaybeUninit};
use core::ptr;
use std::process::abort;

use crate::reset::Reset;

macro_rules! reset_to_zeros {
    ($($value:expr => $($ty:ty),+;)+) => {$($(
        impl Reset for $ty {
            #[inline]
            fn reset(&mut self) {
                *self = $value;
            }

            #[inline]
            fn reset_slice(values: &mut [Self]) {
                // SAFETY: the bytes are those of the slice, and zeros are the value that a reset makes.
                unsafe { ptr::write_bytes(values.as_mut_ptr(), 0, values.len()) }
            }
        }
    )+)+};
}

reset_to_zeros! {
    0 => u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize;
    0.0 => f32, f64;
    false => bool;
    '\0' => char;
}

/// Exchanges two values, neither of which is ever on the stack. In a debug build `mem::swap` would have both there.
#[inline]
pub(crate) fn exchange<T>(one: &mut T, other: &mut T) {
    let one: *mut MaybeUninit<u8> = ptr::from_mut(one).cast();
    let other: *mut MaybeUninit<u8> = ptr::from_mut(other).cast();
    // SAFETY: both are exclusive references to a `T`, so they are valid for that many bytes and do not overlap. A byte needs no alignment, and an
    // uninitialized byte may be moved as `MaybeUninit`. Afterwards each place holds a `T` as before.
    unsafe { ptr::swap_nonoverlapping(one, other, size_of::<T>()) };
}

/// Replaces a value with the result of a function of it. Ends the process if the function panics: the place holds nothing then.
#[inline]
pub(crate) fn replace_with<T>(place: &mut T, make: impl FnOnce(T) -> T) {
    struct Abort;

    impl Drop for Abort {
        fn drop(&mut self) {
            abort();
        }
    }

    let unless_it_returns = Abort;
    // SAFETY: the place holds a value, which `make` alone owns until another is written in its stead: if `make` does not return, no code looks at the
    // place again.
    let old = unsafe { ptr::read(place) };
    let new = make(old);
    // SAFETY: the place is borrowed exclusively, and its old value has been moved out.
    unsafe { ptr::write(place, new) };
    mem::forget(unless_it_returns);
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_moves_each_byte() {
        let (mut one, mut other) = ((vec![1], [2_u8; 37]), (vec![3], [4_u8; 37]));
        exchange(&mut one, &mut other);
        assert_eq!((one, other), ((vec![3], [4; 37]), (vec![1], [2; 37])));
    }
}
