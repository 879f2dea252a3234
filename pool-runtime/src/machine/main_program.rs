//! Whether code is the main program's, which stays where it is as long as the process lives, or a library's, which may be
//! unloaded.

use core::ffi::{CStr, c_int, c_void};
use core::ops::ControlFlow;
use core::slice;

/// Whether what is at `address` was loaded with the main program.
#[cold]
pub(crate) fn has(address: *const ()) -> bool {
    let mut search = Search { address: address.addr(), found: false };
    // SAFETY: `look` is called before this returns, with a description of each object that is loaded, and the search.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut search).cast()) };
    search.found
}

struct Search {
    address: usize,
    found: bool,
}

impl Search {
    /// Looks at one object, and breaks off at the main program, which is the one without a name (dl_iterate_phdr(3)).
    fn look(&mut self, object: &libc::dl_phdr_info) -> ControlFlow<()> {
        // SAFETY: a C string, for as long as the object is described.
        if object.dlpi_name.is_null() || !unsafe { CStr::from_ptr(object.dlpi_name) }.is_empty() {
            return ControlFlow::Continue(());
        }
        // SAFETY: as many headers, for as long as the object is described.
        let segments = unsafe { slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()) };
        self.found = segments.iter().filter(|segment| segment.p_type == libc::PT_LOAD).any(|segment| {
            let start = (object.dlpi_addr + segment.p_vaddr) as usize;
            (start..start + segment.p_memsz as usize).contains(&self.address)
        });
        ControlFlow::Break(())
    }
}

/// # Safety
///
/// The object is described, and the search is that of [`has`].
unsafe extern "C" fn look(object: *mut libc::dl_phdr_info, _size: usize, search: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    let object = unsafe { &*object };
    // SAFETY: the same; nobody else has it meanwhile.
    let search = unsafe { &mut *search.cast::<Search>() };
    // What is not zero ends the search.
    search.look(object).is_break().into()
}

#[cfg(test)]
mod tests {
    use core::ptr;

    use super::*;

    #[test]
    fn a_static_is_the_main_programs_and_the_c_librarys_code_is_not() {
        static HERE: u8 = 0;
        assert!(has((&raw const HERE).cast()));
        assert!(!has(libc::getpid as *const ()));
        assert!(!has(ptr::null()));
        assert!(!has((&raw const *Box::new(0_u8)).cast()));
    }
}
