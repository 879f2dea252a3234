//! Many objects at once.

use pool_runtime::{Guard, Pooled};

/// Acquires `n` objects.
pub fn hold<T: Pooled>(n: usize) -> Vec<Guard<T>> {
    (0..n).map(|_| T::acquire()).collect()
}
