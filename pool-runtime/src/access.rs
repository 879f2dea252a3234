//! [`Access`], a slot's private stack as the slow paths use it, on either backend.
//!
//! With restartable sequences nothing is held: each step is a sequence of its own, on the stack of the CPU that the thread
//! is on by then. So a step may fail, or reach another slot's stack, at any time, and the callers count on neither.

use crate::cpu::Area;
use crate::object::Object;
use crate::private::Held;
use crate::slot::Slot;
use crate::table::Tables;

pub(crate) enum Access {
    /// The lock of the stack, taken while the pool was running.
    Held(&'static Slot, Held<'static>),
    /// The slot was this CPU's.
    Sequences(&'static Slot, &'static Tables, Area),
}

impl Access {
    pub(crate) fn pop(&mut self) -> Option<Object> {
        match self {
            Self::Held(_, held) => held.pop(),
            Self::Sequences(_, tables, area) => area.pop_again(tables),
        }
    }

    /// Gives the object back where there is no room.
    pub(crate) fn push(&mut self, object: Object) -> Result<(), Object> {
        match self {
            Self::Held(slot, held) => slot.private.fill_front(object).or_else(|object| held.push(object)),
            Self::Sequences(_, tables, area) => area.push_again(tables, object),
        }
    }

    /// Lets `more` objects lie here, which the caller has charged, and says how many of them it did.
    pub(crate) fn grow(&mut self, more: usize) -> usize {
        match self {
            Self::Held(_, held) => {
                held.grow(more);
                more
            }
            Self::Sequences(slot, tables, area) => {
                let private = &slot.private;
                let front = usize::from(more > 0 && !private.is_open() && area.open_front(tables, slot));
                let limit = private.limit();
                let rest = more - front;
                // Another thread may have let it grow since the caller looked.
                let fits = limit + rest <= private.most_limit();
                let grown =
                    fits && private.is_open() && rest > 0 && area.change_limit(tables, slot, limit, limit + rest);
                front + if grown { rest } else { 0 }
            }
        }
    }
}
