//! The number of CPUs that the process may use, and of slots that a pool has for them.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use crate::machine::decision::area;
use crate::machine::once::asked_once;
use crate::machine::topology;

/// Slots for each CPU on the portable backend: more than one, so that most threads that happen to run are alone in theirs.
const SLOTS_PER_CPU: usize = 2;

/// The number of CPUs that the process may use; zero before the system was asked.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The number of CPUs that the process may use, as it was when the system was last asked: when the program was loaded, or by
/// [`recount`].
pub(crate) fn count() -> usize {
    match COUNT.load(Relaxed) {
        0 => recount(),
        count => count,
    }
}

/// Asks again how many CPUs the process may use, and returns the answer. Opens no file: the quota of the control groups is that of
/// when the program was loaded.
pub(crate) fn recount() -> usize {
    // If the system does not tell any more, the count stays.
    match (topology::usable(), COUNT.load(Relaxed)) {
        (None, before @ 1..) => before,
        (now, _) => {
            let now = now.unwrap_or(1);
            COUNT.store(now, Relaxed);
            now
        }
    }
}

/// The number of slots that share a pool's bound: as many as threads of the process run at once; on the portable backend, twice that.
pub(crate) fn slots() -> usize {
    if area().is_some() { count() } else { portable_slots() }
}

/// The number of slots in the first table of a pool: with restartable sequences a slot for each number that a CPU can have, which no
/// concurrency id exceeds, whatever the process may run on later.
pub(crate) fn table_len() -> usize {
    if area().is_some() { topology::numbers() } else { portable_slots() }
}

/// The number of slots on the portable backend: for good, since a thread's number must be in the first table of every pool.
pub(super) fn portable_slots() -> usize {
    static SLOTS: AtomicUsize = AtomicUsize::new(0);
    asked_once(&SLOTS, || SLOTS_PER_CPU * count())
}

#[cfg(all(test, any(target_os = "linux", target_os = "android"), not(any(pool_loom, miri))))]
mod tests {
    use super::*;
    use crate::machine::affinity::Cpus;
    use crate::machine::system::tests::in_child;

    /// golang/go#73193: the number of CPUs changes after the start.
    #[test]
    fn the_count_follows_the_main_thread_when_it_is_asked_again() {
        // SAFETY: it makes system calls alone.
        let holds = unsafe {
            in_child(|| {
                let all = Cpus::of(0).expect("Linux tells it");
                let before = recount();
                let bound = all.first().bind();
                let meanwhile = [count(), recount(), count()];
                let unbound = all.bind();
                let after = [count(), recount()];
                bound && unbound && meanwhile == [before, 1, 1] && after == [1, before]
            })
        };
        // The child is its own main thread.
        assert!(holds);
    }
}
