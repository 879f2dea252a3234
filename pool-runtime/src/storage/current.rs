//! This thread's own stack, on either backend. No other place above `slots` knows which backend it is.
//!
//! | attempt | restartable sequences | portable backend |
//! |---|---|---|
//! | inline ([`pop_inline`], [`inline`]) | one sequence, in code that is never unloaded | none |
//! | out of line ([`pop`], [`push`]) | one sequence, in code that may be unloaded | an exchange of the top |
//! | on the way to the lists ([`pop_stacked`], [`push_stacked`]) | none | the array, under its try-lock |
//! | on the slow path ([`Current`]) | a sequence, begun again if it is aborted | the same try-lock, held |
//!
//! With restartable sequences no lock is held: each step is a sequence of its own, on the stack of the slot that the
//! thread has by then. So a step may fail, or reach another slot's stack, at any time. The callers are ready for both.

use crate::machine::area::Area;
use crate::machine::threads::{move_on, slot};
use crate::sequence::Permanent;
use crate::slots::local::LockedStack;
use crate::slots::object::Object;
use crate::slots::slot::Slot;
use crate::slots::table::Tables;

/// The area for inline attempts. `None` on the portable backend, and in a library.
#[inline(always)]
pub(crate) fn inline() -> Option<Permanent> {
    Permanent::at_load()
}

/// An object from this thread's stack.
#[inline(always)]
pub(crate) fn pop_inline(tables: &'static Tables) -> Option<Object> {
    // No closure and no `?`: each is a function more for each type in a debug build.
    match inline() {
        Some(inline) => inline.pop(tables),
        None => None,
    }
}

/// An object from this thread's stack; on the portable backend, from its top.
#[inline]
pub(crate) fn pop(tables: &'static Tables) -> Option<Object> {
    match tables.area() {
        Some(area) => area.pop(tables),
        None => pop_top(tables),
    }
}

/// [`pop`], unless there was an inline attempt, which has missed: then the slow path tries again.
#[inline]
pub(crate) fn pop_out_of_line(tables: &'static Tables) -> Option<Object> {
    if inline().is_some() { None } else { pop(tables) }
}

/// Puts an object onto this thread's stack, or gives it back.
#[inline]
pub(crate) fn push(tables: &'static Tables, object: Object) -> Result<(), Object> {
    match tables.area() {
        Some(area) => area.push(tables, object),
        None => push_top(tables, object),
    }
}

/// [`pop`], on the portable backend.
#[inline]
fn pop_top(tables: &'static Tables) -> Option<Object> {
    tables.running_portable_slot(slot())?.local.take_top()
}

#[inline]
fn push_top(tables: &'static Tables, object: Object) -> Result<(), Object> {
    match tables.running_portable_slot(slot()) {
        Some(slot) => slot.local.fill_top(object),
        None => Err(object),
    }
}

/// An object from below the top, on the portable backend.
#[inline]
pub(crate) fn pop_stacked(tables: &'static Tables) -> Option<Object> {
    let slot = tables.running_portable_slot(slot())?;
    // A miss stores nothing: a thread takes no lock for an empty stack.
    if slot.local.stacked() == 0 {
        return None;
    }
    hold(slot, tables)?.pop()
}

/// Puts an object below the top, on the portable backend, or gives it back.
#[inline]
pub(crate) fn push_stacked(tables: &'static Tables, object: Object) -> Result<(), Object> {
    let Some(slot) = tables.running_portable_slot(slot()) else { return Err(object) };
    match hold(slot, tables) {
        Some(mut local) => local.push(object),
        None => Err(object),
    }
}

/// The lock of the slot's local stack, if it is free and the pool is running (invariant 3 of `slot`). A thread that finds the lock taken
/// moves on to another slot.
#[inline]
fn hold(slot: &'static Slot, tables: &'static Tables) -> Option<LockedStack<'static>> {
    let Some(local) = slot.local.try_hold() else {
        move_on();
        return None;
    };
    // After the hold: only then is the answer exact (invariant 3 of `table`).
    tables.is_running().then_some(local)
}

/// A slot's local stack, as the slow path uses it.
pub(crate) enum Current {
    /// The lock of the stack, taken while the pool was running. A sweep waits for it.
    Locked(&'static Slot, LockedStack<'static>),
    /// The slot was this thread's a moment ago. Each sequence finds the slot that the thread has by then.
    Sequences(&'static Slot, &'static Tables, Area),
}

impl Current {
    /// The stack of this slot, which the calling thread has found by its number. `None` if another thread holds it, or a sweep has
    /// the pool stopped.
    pub(crate) fn of(slot: &'static Slot, tables: &'static Tables) -> Option<Self> {
        match tables.area() {
            Some(area) => Some(Self::Sequences(slot, tables, area)),
            None => Some(Self::Locked(slot, hold(slot, tables)?)),
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Object> {
        match self {
            Self::Locked(_, held) => held.pop(),
            Self::Sequences(_, tables, area) => area.pop_again(tables),
        }
    }

    /// Moves up to `most` objects from below the top to the end of `to`, and returns their number.
    pub(crate) fn pop_many(&mut self, to: &mut Vec<Object>, most: usize) -> usize {
        match self {
            Self::Locked(_, held) => {
                let before = to.len();
                to.extend((0..most).map_while(|_| held.pop()));
                to.len() - before
            }
            Self::Sequences(_, tables, area) => area.pop_many(tables, to, most),
        }
    }

    /// Moves up to `most` objects from the end of `from`, as far as there is room, and returns their number.
    pub(crate) fn push_many(&mut self, from: &mut Vec<Object>, most: usize) -> usize {
        match self {
            Self::Locked(slot, held) => {
                let before = from.len();
                while before - from.len() < most {
                    let Some(object) = from.pop() else { break };
                    if let Err(object) = slot.local.fill_top(object).or_else(|object| held.push(object)) {
                        from.push(object);
                        break;
                    }
                }
                before - from.len()
            }
            Self::Sequences(_, tables, area) => area.push_many(tables, from, most),
        }
    }

    /// Puts an object onto the stack, or gives it back if there is no room.
    pub(crate) fn push(&mut self, object: Object) -> Result<(), Object> {
        match self {
            Self::Locked(slot, held) => slot.local.fill_top(object).or_else(|object| held.push(object)),
            Self::Sequences(_, tables, area) => area.push_again(tables, object),
        }
    }

    /// Lets up to `more` objects lie here, which the caller has charged. Returns by how many the capacity grew.
    pub(crate) fn grow(&mut self, more: usize) -> usize {
        match self {
            Self::Locked(_, held) => {
                held.grow(more);
                more
            }
            Self::Sequences(slot, tables, area) => {
                let local = &slot.local;
                let top = usize::from(more > 0 && !local.is_open() && area.open_top(tables, slot));
                let limit = local.stack_limit();
                let rest = more - top;
                // Another thread may have let the stack grow since the caller looked.
                let fits = limit + rest <= local.most_limit();
                let grown = fits && local.is_open() && rest > 0 && area.change_limit(tables, slot, limit, limit + rest);
                top + if grown { rest } else { 0 }
            }
        }
    }
}
