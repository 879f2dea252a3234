//! Restartable sequences: pop, push and batches, each with one store that commits it.
//!
//! A sequence is a run of instructions. The kernel finds it through a descriptor, whose address the thread stores into its
//! *rseq area*. If the thread is preempted, migrated or signalled inside, it goes on at the abort address instead. The last
//! instruction of a sequence is its only store that counts, the *commit*. So all that a thread has read in a sequence, the
//! number of its slot included, is still true when it commits, and no other thread with that number has committed in
//! between: a sequence needs neither a lock nor an atomic exchange.
//!
//! The number is the thread's *concurrency id* if the kernel has them (Linux 6.3): no two running threads of an address
//! space have the same id. Ids are dense from zero: each is smaller than the number of the process's threads, and than that of the
//! CPUs (since Linux 6.14, of those that the process may use). A thread that moves to another CPU takes its id along, or takes over
//! the id that is there. Before Linux 6.19 an id is given back soon after the thread has stopped to run; since then a thread that
//! sleeps keeps its own while there are no more threads than CPUs. Without ids the number is the CPU's, four bytes behind the
//! beginning of the area. The code is the same for both: a sequence is given the place of the number's word, and computes from it
//! the beginning of the area.
//!
//! A pop, and a sweep, which stops the pool. `slot.top` is the object on top of a slot's local stack, and `slot.objects` are those below
//! it. `running` and `offsets` are in the tables of the pool (`table`); `n` is the number, and in a sweep the length of the first table.
//!
//! ```text
//! pop:   rseq_cs = descriptor        | from here to the commit the kernel restarts the thread at the abort if it interrupts it
//!        slot = pool + offsets[n]    | a closed slot if the pool is stopped, or the slot not made
//!        if slot.top is an object    { slot.top = null; commit; return it }
//!        if slot.stacked == 0        { miss }
//!        object = slot.objects[stacked - 1]; slot.stacked = stacked - 1; commit
//! sweep: running = STARTED, offsets = STOPPED; fence; take stacks, then lists; running = STARTED + n, offsets = UNSET
//!        a pop before the fence has committed and is seen, or is aborted and finds STOPPED
//! ```
//!
//! [`Permanent::pop`] and [`Permanent::push`] are one attempt each, inlined, and report an abort as a miss. The methods of [`Area`]
//! are the slow path's, which tries a bounded number of times: in a debugger that single-steps, every attempt aborts. Two of them
//! move a batch, and one changes a word. The architectures' files have the instructions.
//!
//! # Invariants
//!
//! 1. glibc registers one area per thread, at one offset from the thread pointer; the pool never registers an area. It writes
//!    `rseq_cs` and nothing else: the kernel kills a process that writes the other fields.
//! 2. An [`Area`] exists only if the process has rseq and the fence of `membarrier`, and has decided to use them, for
//!    good. A thread of the C library's without a registered area has memory at that offset all the same, and reads a
//!    negative `cpu_id` there. Each sequence looks at that word, too, and misses: the id's word reads as zero then, and zero is
//!    another thread's id. A child that shares its parent's memory and was made without the C library's threads, by `vfork` or by
//!    `clone` with `CLONE_VM`, has no registered area either (the kernel drops the registration). It finds its parent's at that
//!    offset, or zeros, and would believe in a number that the kernel does not keep true. (Ids belong to the memory, so no
//!    threads of two such processes have the same id. A child of `fork` has memory of its own, and ids from zero.) No code here
//!    can tell. Such a child is made by unsafe code, which may run next to nothing of Rust's in it: that keeps it away, and
//!    the documentation says so of pools (`system_calls`).
//! 3. A sequence reads `Tables::running` itself, or the offset of its number's slot (`offsets`). So after a fence no sequence is
//!    at work that saw the value of before.
//! 4. Both lead to slots and their entries, which stay where they are for ever (invariant 1 of `table`).
//! 5. A commit is a sequence's last instruction. Behind it an abort would do the operation twice.
//! 6. A sequence makes no call, no system call, and does not touch the stack. Its abort address lies outside of it, behind
//!    the signature that glibc registered.
//! 7. `rseq_cs` leads to memory that is mapped: the kernel reads the descriptor whenever it interrupts the thread, and sets
//!    `rseq_cs` to null if the thread is in no sequence. That is enough for the main program. The descriptors of a
//!    library may be gone by then, so a library has no [`Permanent`], and the slow path sets `rseq_cs` to null itself. (100 times
//!    `dlopen`, use and `dlclose` under a storm of signals: without this a segmentation fault.)
//! 8. A local stack is written by the sequences of threads with its number while the pool runs, and by a sweep that has stopped the pool
//!    and fenced. The try-lock of the portable form guards nothing here.
//! 9. `RSEQ_OFFSET` is written once, by a constructor function, when the program is loaded. So the fast path may read it as code reads an
//!    address that the dynamic linker has filled in: once for several uses. A constructor function that runs before, with a reserved
//!    priority, may go on reading zero; then it works with the slow path, which asks for the decision itself.
//! 10. The number is read in the sequence: a thread that was aborted may have another number. An unchanged `cpu_id` says
//!     nothing about the id, which may change on one CPU, and stay the same on two.
//!
//! # Orderings
//!
//! All accesses are plain. The kernel orders two threads that use a slot one after the other. The fence orders a sweep; it is
//! for all CPUs, since with ids a sweep cannot tell which CPU a slot's thread is on. So a release is ordered before the acquire that
//! returns the object, on whatever threads.
//!
//! On one CPU the context switch between two threads orders them. With ids they may be on two CPUs. Then the first thread has passed
//! a full barrier between its last sequence and the moment when its id is given back. The second takes the id by an atomic
//! operation that is a full barrier, too, on the same word of the address space (`mm_cidmask`):
//!
//! | Linux | given back | taken |
//! |---|---|---|
//! | 6.3 | `mm_cid_put`, under `mm->cid_lock` | `mm_cid_get`, under the same lock |
//! | 6.4 to 6.18 | `__mm_cid_put`: `cpumask_clear_cpu` | `__mm_cid_try_get`: `cpumask_test_and_set_cpu` |
//! | since 6.19 | `mm_drop_cid`: `clear_bit` | `__mm_get_cid`: `test_and_set_bit` |
//!
//! - A thread that stops to run gives its id back in `context_switch` (`switch_mm_cid`, since 6.19 `mm_cid_switch_to`). `__schedule`
//!   comes before it, and begins with `rq_lock` and `smp_mb__after_spinlock`: the barrier that `membarrier` relies on as well.
//! - From 6.4 to 6.18 an id stays with the CPU at first, where the next thread may have it: that is the context switch again.
//!   Another CPU takes it away (`sched_mm_cid_remote_clear`), or along with a thread that moves
//!   (`__sched_mm_cid_migrate_from_try_steal_cid`), if it finds that `rq->curr` is no thread of the process any more. `rq->curr` was
//!   stored behind the barrier of `__schedule`, and is read before a compare-and-exchange, which is a full barrier.
//! - Since 6.19 an id belongs to a thread, or, if there are more threads than CPUs, to a CPU. It changes hands without the set
//!   of bits between a CPU and the thread that runs there, or comes to run there (`mm_cid_from_cpu`, `mm_cid_from_task`,
//!   `mm_cid_transit_to_cpu`), under the CPU's lock: the context switch once more. The id keeps its value meanwhile.
//! - A thread that ends gives its id back in `sched_mm_cid_exit_signals`, behind an `smp_mb`; since 6.19 in `sched_mm_cid_exit`, under
//!   locks that it takes after it has released another (`synchronize_group_exit`): all that came before the release comes before
//!   the `clear_bit`.
//!
//! The id that a thread reads changes only at a point that would abort a sequence: on the thread's way back from a switch.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod arch;
#[cfg(not(pool_inject))]
mod inject;
#[cfg(pool_inject)]
pub mod inject;
mod layout;

use core::sync::atomic::Ordering::Relaxed;

use crate::machine::area::Area;
use crate::machine::decision;
use crate::machine::system::{at_load, is_main_programs};
use crate::sequence::layout::{ABORTED, Attempt, RSEQ_OFFSET};
use crate::slots::local::CLOSED;
use crate::slots::object::Object;
use crate::slots::slot::Slot;
use crate::slots::table::Tables;

/// The number of attempts of an operation, if each is aborted, before the slow path does without.
const ATTEMPTS: usize = 16;

/// Lets the fast path use sequences, if this is in the main program.
fn set_offset() {
    decision::backend();
    if let Some(area) = decision::area() {
        if is_main_programs((&raw const RSEQ_OFFSET).cast()) {
            RSEQ_OFFSET.store(area.offset(), Relaxed);
        }
    }
}

at_load!(set_offset);

/// An [`Area`] in the main program, whose code and descriptors stay where they are (invariant 7): for the fast path.
#[derive(Clone, Copy)]
pub(crate) struct Permanent(Area);

impl Permanent {
    /// `None` if sequences are not used, in a library, and in a function that began before the decision. Good for any
    /// pool: in a pool that has not been started a sequence misses.
    ///
    /// The compiler takes it for a constant: an acquire and the release behind it ask once, and a loop asks once for all.
    #[inline(always)]
    pub(crate) fn at_load() -> Option<Self> {
        Area::from_offset(arch::at_load()).map(Self)
    }

    /// An object from the stack of this thread's slot. `None` if the stack is empty, or if the attempt was aborted.
    #[inline(always)]
    pub(crate) fn pop(self, tables: &'static Tables) -> Option<Object> {
        self.0.try_pop(tables)
    }

    /// Puts an object onto the stack of this thread's slot, or gives it back if the stack is full, or if the attempt was
    /// aborted.
    #[inline(always)]
    pub(crate) fn push(self, tables: &'static Tables, object: Object) -> Result<(), Object> {
        self.0.try_push(tables, object)
    }
}

impl Area {
    /// An attempt to pop, which leaves `rseq_cs` as it is.
    #[inline(always)]
    fn try_pop(self, tables: &'static Tables) -> Option<Object> {
        // SAFETY: the tables are as `table` has them, and the area is the threads' (invariant 2).
        let object = unsafe { arch::pop(self, tables) };
        // Null and `ABORTED` in one comparison.
        if !arch::is_object(object) {
            return None;
        }
        // SAFETY: the sequence has taken it off the stack, which owned it.
        unsafe { Object::from_raw(object) }
    }

    /// An attempt to push, which leaves `rseq_cs` as it is.
    #[inline(always)]
    fn try_push(self, tables: &'static Tables, object: Object) -> Result<(), Object> {
        let pointer = object.into_raw();
        // SAFETY: as for `try_pop`; the object was the caller's, and is the stack's after a push.
        // mutant: abort-is-done
        if unsafe { arch::push(self, tables, pointer) } == Attempt::Done {
            return Ok(());
        }
        // SAFETY: nothing was committed, so the pointer that was just made of the object still owns it.
        unsafe { Object::from_raw(pointer) }.map_or(Ok(()), Err)
    }

    /// [`Permanent::pop`], in code that may be unloaded.
    #[inline]
    pub(crate) fn pop(self, tables: &'static Tables) -> Option<Object> {
        let object = self.try_pop(tables);
        self.clear();
        object
    }

    /// [`Permanent::push`], in code that may be unloaded.
    #[inline]
    pub(crate) fn push(self, tables: &'static Tables, object: Object) -> Result<(), Object> {
        let pushed = self.try_push(tables, object);
        self.clear();
        pushed
    }

    /// [`pop`](Self::pop), begun again if it is aborted.
    #[cold]
    pub(crate) fn pop_again(self, tables: &'static Tables) -> Option<Object> {
        // SAFETY: as for `try_pop`.
        let object = self.again(CLOSED, || unsafe { arch::pop(self, tables) })?;
        // SAFETY: null, or an object that the sequence has taken off the stack, which owned it.
        unsafe { Object::from_raw(object) }
    }

    /// [`push`](Self::push), begun again if it is aborted.
    #[cold]
    pub(crate) fn push_again(self, tables: &'static Tables, object: Object) -> Result<(), Object> {
        let pointer = object.into_raw();
        // SAFETY: as for `try_push`.
        // mutant: abort-is-pushed
        if self.again(Attempt::Aborted, || unsafe { arch::push(self, tables, pointer) }) == Some(Attempt::Done) {
            return Ok(());
        }
        // SAFETY: nothing was committed, so the pointer that was just made of the object still owns it.
        unsafe { Object::from_raw(pointer) }.map_or(Ok(()), Err)
    }

    /// Moves up to `most` objects from below the top of the stack of this thread's slot to the end of `to`, and says how many.
    #[cold]
    pub(crate) fn pop_many(self, tables: &'static Tables, to: &mut Vec<Object>, most: usize) -> usize {
        to.reserve(most);
        let end = to.spare_capacity_mut().as_mut_ptr().cast::<Object>();
        // SAFETY: as for `try_pop`; there is room for as many behind the end.
        let moved = self.again(ABORTED, || unsafe { arch::pop_many(self, tables, end, most) }).unwrap_or(0);
        // SAFETY: the sequence has taken as many off the stack, which owned them, and written them there.
        unsafe { to.set_len(to.len() + moved) };
        moved
    }

    /// Moves up to `most` objects from the end of `from` to the stack of this thread's slot, below the top, and says how many.
    #[cold]
    pub(crate) fn push_many(self, tables: &'static Tables, from: &mut Vec<Object>, most: usize) -> usize {
        let most = most.min(from.len());
        if most == 0 {
            return 0;
        }
        let end = from.as_ptr_range().end;
        // SAFETY: as for `try_push`; there are as many objects before the end.
        let moved = self.again(ABORTED, || unsafe { arch::push_many(self, tables, end, most) }).unwrap_or(0);
        // SAFETY: the last `moved` of them are the stack's since the sequence has committed.
        unsafe { from.set_len(from.len() - moved) };
        moved
    }

    /// Opens the top of a slot's local stack, if it is closed, the slot is this thread's, and the pool runs.
    #[cold]
    pub(crate) fn open_top(self, tables: &'static Tables, slot: &'static Slot) -> bool {
        self.store_if(tables, slot, (&raw const slot.local.top).cast(), CLOSED.addr(), 0)
    }

    /// Changes the number of objects that may lie below the top, if the slot is this thread's, and the pool runs.
    #[cold]
    pub(crate) fn change_limit(self, tables: &'static Tables, slot: &'static Slot, old: usize, new: usize) -> bool {
        debug_assert!(new <= slot.local.most_limit(), "invariant 3 of `local`");
        self.store_if(tables, slot, (&raw const slot.local.stack_limit).cast(), old, new)
    }

    fn store_if(
        self,
        tables: &'static Tables,
        slot: &'static Slot,
        word: *const usize,
        old: usize,
        new: usize,
    ) -> bool {
        // SAFETY: as for `try_pop`; the word is one of the slot's local stack.
        self.again(Attempt::Aborted, || unsafe { arch::store_if(self, tables, slot, word, old, new) })
            == Some(Attempt::Done)
    }

    /// The result of the first attempt that is not aborted.
    fn again<R: PartialEq>(self, aborted: R, attempt: impl Fn() -> R) -> Option<R> {
        let done = (0..ATTEMPTS).map(|_| attempt()).find(|done| *done != aborted);
        self.clear();
        done
    }
}

#[cfg(test)]
mod tests {
    use super::Permanent;
    use crate::machine::area::Area;
    use crate::machine::backend::Backend;
    use crate::machine::decision::{area, backend};

    #[test]
    fn what_the_fast_path_takes_for_a_constant_is_the_decision() {
        assert_eq!(Permanent::at_load().map(|permanent| permanent.0.offset()), area().map(Area::offset));
        assert_eq!(area().is_some(), matches!(backend(), Backend::Rseq | Backend::RseqCpu(_)));
    }
}
