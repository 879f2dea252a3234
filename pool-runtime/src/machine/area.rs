//! [`Area`], the memory in which the kernel tells each thread the number of its CPU and its concurrency id, for restartable sequences.
//!
//! This module finds out whether the process has such areas, and has the threads leave their sequences for a sweep. A thread's use of
//! its area is in `sequence`, whose invariants are cited here by number.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::mem;
use core::ptr::NonNull;

use crate::machine::backend::Reason;
use crate::machine::system;

#[cfg_attr(target_arch = "x86_64", path = "area_x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "area_aarch64.rs")]
mod arch;
#[path = "membarrier.rs"]
mod membarrier;
#[path = "walk.rs"]
mod walk;

/// Whether sequences may find slots in this program.
pub(crate) const HAS_SEQUENCES: bool = true;

/// The place of the rseq areas, and of their word that numbers the slots: that word's distance from the thread pointer. An area
/// begins at a multiple of its alignment. A thread that has an `Area` may use sequences (invariant 2).
#[derive(Clone, Copy)]
pub(crate) struct Area(isize);

/// The alignment of an area, and of the thread pointer.
const ALIGNMENT: isize = 32;

/// The offset of the CPU's number in an area: `cpu_id`.
const CPU: isize = 4;

/// The offset of the concurrency id in an area: `mm_cid`.
const ID: isize = 24;

/// Finds out whether sequences can be used here, and where the areas are ([`Area::offset`]). Slots are numbered by concurrency
/// ids if the kernel has them and `ids` says so, else by CPUs.
#[cold]
pub(super) fn detect(ids: bool) -> Result<isize, Reason> {
    let [Some(offset), Some(size)] = symbols() else { return Err(Reason::CLibrary) };
    let (offset, size): (NonNull<isize>, NonNull<u32>) = (offset.cast(), size.cast());
    // SAFETY: glibc's `const ptrdiff_t __rseq_offset`, aligned, written before any of our code runs.
    let offset = unsafe { offset.read() };
    // SAFETY: glibc's `const unsigned int __rseq_size`, aligned and written as early.
    let size = unsafe { size.read() };
    // The C library's own fields are at the thread pointer, so no area is. An area with a negative number was not registered, or a
    // tool like valgrind has swallowed the registration.
    if size == 0 || offset == 0 || offset % ALIGNMENT != 0 || Area(offset + CPU).number().is_none() {
        return Err(Reason::NotRegistered);
    }
    if cfg!(target_arch = "aarch64") && !release().is_some_and(aborts_on_preemption) {
        return Err(Reason::Kernel);
    }
    membarrier::register().map_err(|_| Reason::Membarrier)?;
    Ok(offset + if ids && has_ids() { ID } else { CPU })
}

/// Whether the kernel keeps concurrency ids: the part of an area that it uses reaches behind the id. `__rseq_size` may say less, as
/// glibc's before 2.40 does, but no kernel registers an area that ends before the id.
fn has_ids() -> bool {
    // As `linux/auxvec.h` has it; the value is zero if the vector has no such entry.
    const AT_RSEQ_FEATURE_SIZE: core::ffi::c_ulong = 27;
    let size = system::auxiliary(AT_RSEQ_FEATURE_SIZE);
    size as usize >= ID as usize + mem::size_of::<u32>()
}

impl Area {
    /// The areas that [`detect`] has found and the process has decided to use, by their [`offset`](Self::offset). Zero is none.
    #[inline]
    pub(crate) fn from_offset(offset: isize) -> Option<Self> {
        if offset == 0 { None } else { Some(Self(offset)) }
    }

    /// The number for [`from_offset`](Self::from_offset).
    pub(crate) fn offset(self) -> isize {
        self.0
    }

    /// The beginning of an area, from the thread pointer.
    #[inline(always)]
    fn start(self) -> isize {
        self.0 & -ALIGNMENT
    }

    /// Whether slots are numbered by concurrency ids, and not by CPUs.
    pub(super) fn has_ids(self) -> bool {
        self.0 - self.start() == ID
    }

    /// The number of the calling thread's slot, stale at once. `None` if the thread has no registered area.
    #[inline]
    pub(super) fn number(self) -> Option<usize> {
        // SAFETY: every thread has memory there (invariant 2).
        usize::try_from(unsafe { arch::number(self) }).ok()
    }

    /// Notes that a slot is about to be made under this number.
    pub(super) fn note(self, number: usize) {
        if !self.has_ids() {
            walk::note(number);
        }
    }

    /// Waits until no thread is in a sequence that began before. `false` if that cannot be: then no sequence was fenced.
    pub(super) fn fence(self) -> bool {
        membarrier::fence().is_ok() || walk::walk(self.has_ids())
    }

    /// Ends a sequence, which is in a library that may be unloaded (invariant 7).
    #[inline]
    pub(crate) fn clear(self) {
        // SAFETY: the area is the threads' (invariant 2), and the thread is in no sequence.
        unsafe { arch::clear(self) };
    }
}

/// The C library's symbols of these names, if it has them: `__rseq_offset` and `__rseq_size`.
#[cfg(not(target_feature = "crt-static"))]
fn symbols() -> [Option<NonNull<core::ffi::c_void>>; 2] {
    // No weak symbols: a program that is linked with a new glibc would ask for that version at each start.
    [c"__rseq_offset", c"__rseq_size"].map(|name| {
        // SAFETY: the name is a C string; looking up runs no code of the process.
        NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
    })
}

/// In a program that is linked statically no dynamic linker finds the symbols by name. The linker knows them, or leaves null.
#[cfg(target_feature = "crt-static")]
fn symbols() -> [Option<NonNull<core::ffi::c_void>>; 2] {
    arch::weak_symbols().map(|symbol| NonNull::new(symbol.cast_mut()))
}

/// The kernel's release: its first three numbers, of which a missing number counts as zero.
fn release() -> Option<[u32; 3]> {
    parse_release(&system::release()?)
}

fn parse_release(release: &str) -> Option<[u32; 3]> {
    let version = release.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let major = numbers.next().filter(|&major| major > 0)?;
    Some([major, numbers.next()?, numbers.next().unwrap_or(0)])
}

/// Whether a kernel of this release aborts a sequence on aarch64 also if the thread is preempted and comes back to the
/// same CPU. The kernels from 6.19 to 7.0.13 do not. A distribution's kernel that has the repair without the number is refused
/// as well.
fn aborts_on_preemption(release: [u32; 3]) -> bool {
    !([6, 19, 0]..=[7, 0, 13]).contains(&release)
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::{aborts_on_preemption, parse_release};

    #[test]
    fn a_release_is_its_first_three_numbers() {
        assert_eq!(parse_release("6.1.0-37-cloud-amd64"), Some([6, 1, 0]));
        assert_eq!(parse_release("7.0.13+deb14-arm64"), Some([7, 0, 13]));
        assert_eq!(parse_release("7.1-rc3"), Some([7, 1, 0]));
        assert_eq!(parse_release("6.18"), Some([6, 18, 0]));
        assert_eq!(parse_release("unknown"), None);
        assert_eq!(parse_release(""), None);
    }

    #[test]
    fn the_faulty_kernels_are_refused() {
        for (release, good) in
            [([6, 18, 40], true), ([6, 19, 0], false), ([7, 0, 0], false), ([7, 0, 13], false), ([7, 0, 14], true)]
        {
            assert_eq!(aborts_on_preemption(release), good, "{release:?}");
        }
    }
}
