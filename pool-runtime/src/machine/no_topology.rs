//! Stands in for `topology` on systems other than Linux: the same names, and std's answers.

/// The number of CPUs that the process may use now. `None` if the system does not tell.
pub(super) fn usable() -> Option<usize> {
    if cfg!(pool_loom) {
        return Some(1);
    }
    std::thread::available_parallelism().ok().map(usize::from)
}

/// Numbers of CPUs are not used.
pub(super) fn numbers() -> usize {
    1
}
