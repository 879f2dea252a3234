//! Stands in for `library` on a system that does not tell when a library is unloaded: the library's pools leave the registry when it
//! says so (`Pool::leave`), if ever.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

/// The program, or a library.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Library;

impl Library {
    pub(crate) fn of_this_code(_unloaded: unsafe fn(Self)) -> Self {
        Self
    }
}

/// Whether a library may be unloaded here. musl's `dlclose` does nothing, and WebAssembly has no libraries.
pub(crate) fn watch(_library: Library) -> bool {
    !cfg!(any(target_env = "musl", target_family = "wasm", miri, pool_loom))
}
