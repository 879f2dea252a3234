//! The fence if `membarrier` is refused: the calling thread walks from CPU to CPU (as the slow fence of tcmalloc does).
//!
//! A CPU runs one thread at a time. While this thread runs on a CPU, no thread that was in a sequence there is
//! running: the kernel has switched from it, so its sequence has committed before or is aborted. A walk takes no help of other
//! threads, and no system call but `sched_setaffinity` that a filter must allow.
//!
//! # Invariants
//!
//! 1. With CPUs' numbers, a sequence writes to the slot of the CPU that it runs on. So it is enough to be once on
//!    each CPU that has a slot in any pool: its number is [`note`]d before the slot is made. On a CPU without a slot, a sequence
//!    finds a closed slot and writes nothing. With concurrency ids a sequence may run on any CPU, so the walk goes to
//!    each number that a CPU can have: if the machine has room for CPUs that are not there, the walk fails.
//! 2. With CPUs' numbers, a slot that is made while a walk goes by has no room until a sequence opens it, on its CPU, that began when the
//!    slot was known. Its number was noted before, and the two fences have one order: either the walk reads the
//!    number, or that sequence sees all that the walk's caller has stored.
//! 3. A CPU that this thread cannot be bound to is not passed over: the walk has failed then. The CPU may be offline, and run no
//!    thread. But it may be outside of this thread's cpuset alone (control groups of version 1, or threaded ones),
//!    or be on its way offline with a thread on it still.
//!
//! # Orderings
//!
//! A switch from one thread to another is a full barrier, and so is a thread's move to another CPU. So this thread sees
//! all that was committed on a CPU before it came, and a sequence that begins there after it sees all that this thread's caller
//! has stored before the walk: invariant 1 of `membarrier`.

use core::ffi::c_ulong;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicUsize, fence};

use crate::machine::affinity::{Cpus, WORD, WORDS};
use crate::machine::system::cpu;
use crate::machine::topology::numbers;

const LAST_CPU: usize = WORDS * WORD - 1;

/// The numbers of the slots that pools have.
static NOTED: [AtomicUsize; WORDS] = [const { AtomicUsize::new(0) }; WORDS];

/// Notes a number that a slot is about to be made for. The last number stands for all that are larger.
pub(super) fn note(number: usize) {
    let number = number.min(LAST_CPU);
    NOTED[number / WORD].fetch_or(1 << (number % WORD), Relaxed); // mutant: nothing-noted
    // SeqCst: the number before the next sequences' reads of the pool; the other fence is in `walk` (invariant 2).
    fence(SeqCst);
}

/// Waits until no sequence is at work that began before, as far as it can write to a slot. Takes a few microseconds for
/// an idle CPU, and as long as the scheduler has this thread wait for a CPU that runs another thread.
///
/// `false` says that the thread was not on all CPUs: then no sequence was fenced. The thread's binding is as it was before.
///
/// `everywhere` is for sequences that may run on any CPU; else the numbers that are noted do.
#[cold]
pub(super) fn walk(everywhere: bool) -> bool {
    // SeqCst: the caller's stores before the loads of the numbers (invariant 2).
    fence(SeqCst);
    let here = cpu();
    let numbers = if everywhere { numbers() } else { 0 }; // mutant: no-walk-everywhere
    let mut elsewhere = (0..numbers).chain(noted()).filter(|&cpu| Some(cpu) != here).peekable();
    if elsewhere.peek().is_none() {
        return true;
    }
    let Some(before) = Cpus::of(0) else { return false };
    // Another thread may have bound this thread elsewhere meanwhile.
    let reached = elsewhere.all(|there| Cpus::one(there).bind() && cpu() == Some(there)); // mutant: no-walk
    bind_again(&before);
    reached
}

fn noted() -> impl Iterator<Item = usize> {
    let words = NOTED.iter().map(|word| word.load(Relaxed)).enumerate();
    words.flat_map(|(at, word)| (0..WORD).filter(move |bit| word & 1 << bit != 0).map(move |bit| at * WORD + bit))
}

impl Cpus {
    fn all() -> Self {
        Self([c_ulong::MAX; WORDS])
    }

    fn one(cpu: usize) -> Self {
        let mut cpus = Self([0; WORDS]);
        cpus.0[cpu / WORD] = 1 << (cpu % WORD);
        cpus
    }
}

/// Binds the thread as it was before. A thread that may run everywhere is not bound to the CPUs of now: a CPU that comes later is for
/// it, too.
fn bind_again(before: &Cpus) {
    let everywhere = Cpus::all().bind() && Cpus::of(0).is_some_and(|now| now == *before);
    if !everywhere {
        before.bind();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::system::tests::in_child;

    /// A thread that was bound to a CPU is bound to that CPU again; a thread that was not bound is not bound.
    #[test]
    fn a_walk_goes_everywhere_and_leaves_the_binding_as_it_was() {
        std::thread::spawn(|| {
            let everywhere = Cpus::of(0).expect("Linux tells it");
            let cpus: Vec<_> = (0..=LAST_CPU).filter(|cpu| everywhere.0[cpu / WORD] & 1 << (cpu % WORD) != 0).collect();
            for before in cpus.iter().map(|&cpu| Cpus::one(cpu)).chain([everywhere]) {
                assert!(before.bind());
                cpus.iter().for_each(|&cpu| note(cpu));
                assert!(cpus.iter().all(|&cpu| noted().any(|noted| noted == cpu)));
                for everywhere in [false, true] {
                    // A CPU that is not there cannot be reached.
                    assert!(walk(everywhere) || everywhere && numbers() > cpus.len());
                    assert!(Cpus::of(0) == Some(before));
                }
            }
        })
        .join()
        .expect("no panic");
    }

    /// Invariant 3.
    #[test]
    fn a_cpu_that_cannot_be_reached_is_not_passed_over() {
        // The number stays noted in the child alone.
        // SAFETY: the child makes system calls alone.
        let holds = unsafe {
            in_child(|| {
                note(LAST_CPU + 1);
                !walk(false) && !walk(true) && noted().any(|cpu| cpu == LAST_CPU)
            })
        };
        assert!(holds);
    }
}
