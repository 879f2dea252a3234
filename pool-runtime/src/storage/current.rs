//! [`Current`], a slot's local stack as the slow paths use it, on either backend.
//!
//! With restartable sequences nothing is held: each step is a sequence of its own, on the stack of the slot that the
//! thread has by then. So a step may fail, or reach another slot's stack, at any time, and the callers count on neither.

use crate::machine::Area;
use crate::slots::local::LockedStack;
use crate::slots::object::Object;
use crate::slots::slot::Slot;
use crate::slots::table::Tables;

pub(crate) enum Current {
    /// The lock of the stack, taken while the pool was running.
    Locked(&'static Slot, LockedStack<'static>),
    /// The slot was this thread's.
    Sequences(&'static Slot, &'static Tables, Area),
}

impl Current {
    pub(crate) fn pop(&mut self) -> Option<Object> {
        match self {
            Self::Locked(_, held) => held.pop(),
            Self::Sequences(_, tables, area) => area.pop_again(tables),
        }
    }

    /// Moves up to `most` objects from below the top to the end of `to`, and says how many.
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

    /// Moves up to `most` objects from the end of `from`, as many as there is room for, and says how many.
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

    /// Gives the object back where there is no room.
    pub(crate) fn push(&mut self, object: Object) -> Result<(), Object> {
        match self {
            Self::Locked(slot, held) => slot.local.fill_top(object).or_else(|object| held.push(object)),
            Self::Sequences(_, tables, area) => area.push_again(tables, object),
        }
    }

    /// Lets `more` objects lie here, which the caller has charged, and says how many of them it did.
    pub(crate) fn grow(&mut self, more: usize) -> usize {
        match self {
            Self::Locked(_, held) => {
                held.grow(more);
                more
            }
            Self::Sequences(slot, tables, area) => {
                let local = &slot.local;
                let top = usize::from(more > 0 && !local.is_open() && area.open_top(tables, slot));
                let limit = local.limit();
                let rest = more - top;
                // Another thread may have let it grow since the caller looked.
                let fits = limit + rest <= local.most_limit();
                let grown = fits && local.is_open() && rest > 0 && area.change_limit(tables, slot, limit, limit + rest);
                top + if grown { rest } else { 0 }
            }
        }
    }
}
