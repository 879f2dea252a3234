//! The library that code is part of, and the functions to call when it is unloaded.
//!
//! glibc keeps a list of functions that `exit` calls, each beside a *handle*: the address of `__dso_handle`, a hidden variable
//! that the program and each library has for itself. `dlclose` calls those of a library before it unmaps it.
//!
//! # Invariants
//!
//! 1. [`Library::of_this_code`] and its caller are `inline`, so each crate has functions of its own for its pools' statics: its handle
//!    is that of the library that has the static, the hooks of the type, and the code that drops its objects.
//! 2. The main program is never unloaded, and nothing is kept for it.
//! 3. At the end of the process a [`Watch`] does nothing: other threads may be at work in the library. `exit` calls the functions in
//!    the reverse order. So the last entry of a watch on the list is a call of the C library's own `sem_post`, which tells the watch
//!    that the process ends. The entry has no handle, and the semaphore that it writes to is never freed.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::machine::system::is_main_programs;

/// The program, or a library.
#[derive(Clone, Copy)]
pub(crate) struct Library {
    handle: usize,
    /// Called when the library is unloaded: no thread is in its code then but the calling thread.
    unloaded: unsafe fn(Self),
}

impl Library {
    /// The library that the code of this function is in (invariant 1).
    #[inline]
    pub(crate) fn of_this_code(unloaded: unsafe fn(Self)) -> Self {
        unsafe extern "C" {
            static __dso_handle: u8;
        }
        Self { handle: (&raw const __dso_handle).addr(), unloaded }
    }
}

impl PartialEq for Library {
    fn eq(&self, other: &Self) -> bool {
        self.handle == other.handle
    }
}

/// The main program's handle, once it is known: one word, since there is one main program. Zero before.
static MAIN: AtomicUsize = AtomicUsize::new(0);

/// The handle of the library that a watch was last begun for. Zero is none. Two libraries that take turns are watched more than once.
static WATCHED: AtomicUsize = AtomicUsize::new(0);

/// Has a library's function called when the library is unloaded. `false` if it is never unloaded.
///
/// The caller waits for the C library alone, for a moment.
pub(crate) fn watch(library: Library) -> bool {
    if MAIN.load(Relaxed) == library.handle {
        return false;
    }
    // Acquire: pairs with the store below.
    if WATCHED.load(Acquire) == library.handle {
        return true;
    }
    if is_main_programs(ptr::without_provenance(library.handle)) {
        MAIN.store(library.handle, Relaxed);
        return false;
    }
    if Watch::begin(library) {
        // Release: a thread that reads it knows that the functions are on the list.
        WATCHED.store(library.handle, Release);
    }
    true
}

/// The argument of [`unloaded`]. Never freed (invariant 3).
struct Watch {
    library: Library,
    /// Its value is 1 until both functions are on the list, and again when the process ends; zero in between.
    ending: UnsafeCell<libc::sem_t>,
}

unsafe extern "C" {
    fn __cxa_atexit(function: unsafe extern "C" fn(*mut c_void), argument: *mut c_void, handle: *const c_void)
    -> c_int;
}

impl Watch {
    /// `false` if the C library has no memory for it.
    #[cold]
    fn begin(library: Library) -> bool {
        // SAFETY: an array of bytes, for which zero is a value.
        let ending = UnsafeCell::new(unsafe { core::mem::zeroed() });
        let watch: &'static Self = Box::leak(Box::new(Self { library, ending }));
        // SAFETY: ours, and not yet in use.
        unsafe { libc::sem_init(watch.ending.get(), 0, 1) };
        let argument = ptr::from_ref(watch).cast_mut().cast();
        // SAFETY: the function is there until it is called or the library is gone, and so is its argument.
        if unsafe { __cxa_atexit(unloaded, argument, ptr::without_provenance(library.handle)) } != 0 {
            return false;
        }
        // SAFETY: the same function; it is given the address of a `sem_t`, and its result is not looked at.
        let post = unsafe {
            core::mem::transmute::<unsafe extern "C" fn(*mut libc::sem_t) -> c_int, unsafe extern "C" fn(*mut c_void)>(
                libc::sem_post,
            )
        };
        // SAFETY: the C library's own function, and a semaphore that is never freed.
        if unsafe { __cxa_atexit(post, watch.ending.get().cast(), ptr::null()) } != 0 {
            return false;
        }
        // SAFETY: a semaphore that was initialised.
        unsafe { libc::sem_trywait(watch.ending.get()) == 0 }
    }

    /// Whether the process ends, or the watch has not begun.
    fn is_ending(&self) -> bool {
        let mut value = 1;
        // SAFETY: a semaphore that was initialised, and a number that is ours to write.
        unsafe { libc::sem_getvalue(self.ending.get(), &mut value) };
        value > 0
    }
}

/// The library is unloaded, or the process ends.
///
/// # Safety
///
/// The argument is a watch.
unsafe extern "C" fn unloaded(watch: *mut c_void) {
    // SAFETY: the caller's promise; it is never freed.
    let watch = unsafe { &*watch.cast::<Watch>() };
    if watch.is_ending() {
        return;
    }
    // A pool that the `Drop` of an object uses from here on is watched again: the C library begins its list anew.
    let _ = WATCHED.compare_exchange(watch.library.handle, 0, Relaxed, Relaxed);
    // SAFETY: `dlclose` has called this: no other thread is in the library.
    unsafe { (watch.library.unloaded)(watch.library) };
}
