//! The places of idle objects. These modules hold data and say which threads may touch it. They decide nothing: `storage` does.
//!
//! ```text
//! a pool's static                               the heap, for each number that a thread has come with
//!  offsets[n] ------------------------------->  Slot
//!  running: 0 | STARTED | STARTED + n            local stack: top -> object       the threads with this number, one at a time, and a sweep
//!  first --> Table [0][1]..[n) --> next  ^                      objects[..stacked]  stacked <= stack_limit
//!                   +--------------------+       shared, victims: lists             any thread, by try-lock
//!  bound: the limit, and what is charged         counters                           any thread, Relaxed
//! ```
//!
//! A number is a concurrency id or a CPU's on restartable sequences, and on the portable backend a number that a thread was given.
//!
//! # What adds up
//!
//! While no thread is at work in the pool:
//!
//! - the charge = the capacities of the local stacks + the objects in lists + those that a sweep has taken and not dropped yet
//! - idle = the objects on local stacks + those in lists + those that are being weighed
//! - in use = created + adopted − dropped − detached − idle
//!
//! An object is charged before it comes, and its charge is given back after it has gone, so idle never exceeds the bound.

pub(crate) mod counters;
pub(crate) mod list;
pub(crate) mod local;
pub(crate) mod object;
pub(crate) mod offsets;
mod publish;
pub(crate) mod slot;
pub(crate) mod table;
