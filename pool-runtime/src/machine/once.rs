//! A question that the process asks the system once.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

/// The first answer, which all threads get from then on. Zero stands for no answer yet.
pub(super) fn asked_once(answer: &AtomicUsize, ask: impl FnOnce() -> usize) -> usize {
    match answer.load(Relaxed) {
        0 => {
            let found = ask();
            answer.compare_exchange(0, found, Relaxed, Relaxed).map_or_else(|first| first, |_| found)
        }
        answer => answer,
    }
}
