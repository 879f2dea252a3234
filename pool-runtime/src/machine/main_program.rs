//! Whether code is the main program's, which stays where it is as long as the process lives, or a library's, which may be
//! unloaded.

/// Whether what is at `address` was loaded with the main program.
#[cold]
pub(crate) fn has(address: *const ()) -> bool {
    super::system::is_main_programs(address)
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
