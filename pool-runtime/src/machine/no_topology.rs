//! Stands in for `topology` where the system is not Linux: the same names, and what std says.

/// How many CPUs the process may use now. `None` where the system does not tell.
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
