//! Places of acquires, copied: the compiler's own lie in the memory of a library, which may be unloaded while the object is out.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::panic::Location;
use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// A place in a source file. Never freed: a program has as many as it has calls.
pub(super) struct Place {
    pub(super) file: Box<str>,
    pub(super) line: u32,
    pub(super) column: u32,
    /// The place that was added before this to the same list.
    next: *const Self,
}

// SAFETY: it is never changed once it is in a list, and owns no more than a text.
unsafe impl Sync for Place {}

const LISTS: usize = 256;

/// The places, by a hash. A list is exchanged by a thread that adds a place, and read by all.
static PLACES: [AtomicPtr<Place>; LISTS] = [const { AtomicPtr::new(ptr::null_mut()) }; LISTS];

/// The copy of a place: the same for places of equal content.
pub(super) fn kept(place: &Location<'_>) -> &'static Place {
    let (file, line, column) = (place.file(), place.line(), place.column());
    let hash = (line as usize).wrapping_mul(31).wrapping_add(column as usize).wrapping_mul(31) ^ file.len();
    let list = &PLACES[hash % LISTS];
    let mut known: *const Place = ptr::null();
    let mut made: Option<Box<Place>> = None;
    loop {
        // Acquire: pairs with the exchange below.
        let first = list.load(Acquire);
        let mut next = first.cast_const();
        while next != known {
            // SAFETY: a place in a list is never freed.
            let kept: &'static Place = unsafe { &*next };
            if (kept.line, kept.column) == (line, column) && *kept.file == *file {
                return kept;
            }
            next = kept.next;
        }
        // The places from here on have been looked at.
        known = first;
        let mut new = made.take().unwrap_or_else(|| Box::new(Place { file: file.into(), line, column, next: first }));
        new.next = first;
        let new = Box::into_raw(new);
        match list.compare_exchange(first, new, Release, Relaxed) {
            // SAFETY: the place is in the list from now on, and never freed.
            Ok(_) => return unsafe { &*new },
            // SAFETY: made above, and not in the list.
            Err(_) => made = Some(unsafe { Box::from_raw(new) }),
        }
    }
}
