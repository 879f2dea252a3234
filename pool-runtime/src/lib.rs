//! A typed object pool: `#[derive(Pooled)]` gives a type a static pool of its own, a reset, and a guard.
//!
//! ```
//! use pool_runtime::Pooled;
//!
//! #[derive(Default, Pooled)]
//! struct MyBuf {
//!     bytes: Vec<u8>,
//!     lines: u64,
//! }
//!
//! let mut buf = MyBuf::acquire(); // an idle MyBuf, or a new one
//! buf.bytes.extend_from_slice(b"hello");
//! buf.lines += 1;
//! drop(buf); // reset, then back into the pool of its type
//! pool_runtime::collect(); // every pool of the process is cleared
//! ```
//!
//! A pool is for objects that are dear to make and cheap to reset: buffers, parser and compressor states, scratch space. Go
//! programmers know it as `sync.Pool`: [its names here](from_sync_pool), and [those of other pools](names). Five questions tell
//! [whether to pool a type](choosing). There are recipes for [types](recipes), [guards], [pools], [tasks and threads](runtimes) and [sizes](sizing).
//!
//! # Guarantees
//!
//! - [`acquire`](Pooled::acquire) never waits for another thread and never fails. It returns an object that has been reset, or that the
//!   type's own `new` has made.
//! - Dropping a [`Guard`] never waits: the object is reset, asked whether it is worth keeping, and put back, or dropped
//!   if the pool is full.
//! - A release *happens before* the acquire that returns the object.
//! - No relation holds between the objects released and the object acquired next, and an idle object may vanish at any time.
//! - A pool never holds more idle objects than its bound, over all CPUs together.
//! - [`collect`] drops every idle object of every pool before it returns; [`age`] drops those that have been idle since the
//!   last `age`. Neither stops an acquire.
//! - The hooks (`new`, `reset`, `retain`) and `Drop` run under no lock. They may acquire, release, collect and panic.
//! - A pool drops an object if its guard is dropped while its thread unwinds, or if its reset panics. Nothing is poisoned.
//! - A library that is unloaded takes its pools along: [libraries].
//! - A field marked `zeroize` is wiped on every way on which the pool drops an object: [secrets].
//! - A pool works in destructors of thread-locals, in a forked child, and before `main`. A signal handler may acquire and release, with an
//!   allocator that it may call ([`acquire`](Pooled::acquire)); it may not collect or age.
//! - Idle objects are not dropped at the end of the process: statics are not. [`collect`] at the end of `main` drops them.
//!
//! # How it works
//!
//! A pool has a *slot* for each thread that runs. A slot has a *local* stack, which its threads use without waiting for others, and a
//! *shared* list, from which any thread may *steal*. An acquire looks in the local stack, in the slot's shared list, in the
//! others' shared lists, and in the *victims*, which are the objects that were idle at the last ageing step, and then calls
//! `new`. A release fills the local stack, and the shared list if the stack is full; batches move between the two.
//!
//! How a local stack is guarded depends on the [`backend`]. With restartable sequences (Linux, glibc, x86-64 and aarch64) a
//! slot belongs to one of the threads that run at this moment, by its *concurrency id* from the kernel; before Linux 6.3, to the
//! CPU that the thread is on. The kernel starts a thread over that was interrupted in an acquire or a release, so neither needs
//! an atomic operation. On the portable backend a slot belongs to a few threads, which exchange one word.
//!
//! A local stack is for its slot alone: an acquire that finds no object in the lists calls `new`, however many lie in the stacks of
//! other slots. So beside the objects in use, a pool has at most a full stack for each thread that runs: of `local` objects, and
//! together half of the bound. Objects in the slots of threads that have stopped to run are dropped by the second [`age`] at
//! the latest.
//!
//! # Giving memory back
//!
//! A pool keeps as many objects as its bound allows until a thread calls [`age`] or [`collect`]. A [`Collector`] is a thread that does:
//! at an interval, and when the system is short of memory. It asks glibc to give the memory back to the system, too; for other
//! allocators, and for limits in bytes, see [memory].
//!
//! # When not to use it
//!
//! - A free list inside of a short-lived object: the pool outlives it, and its cost does not pay off.
//! - A resource that must be limited, like connections: an acquire never waits, it makes another. A semaphore waits.
//! - Small plain values on the portable backend: the allocator is as good.
//!
//! # Features
//!
//! - `derive` (default): re-exports the derive macro of `pool-macros`.
//! - `zeroize`: the key `zeroize` of the derive, which wipes a field; [`Reset`] and [`LimitCapacity`] for `Zeroizing`.
//! - `arrayvec`, `bytes`, `hashbrown`, `heapless`, `indexmap`, `smallvec`: [`Reset`] for the types of the crate of that name,
//!   and [`LimitCapacity`] for those that have a capacity.
//! - `serde`: [`Stats`](stats::Stats) and [`AllStats`](stats::AllStats) can be serialized and deserialized, and a [`Guard`] serialized whose object can.
//! - `stable_deref_trait`: [`Guard`] is `StableDeref`, for the crates that keep an owner and its borrower in one value.
//! - `metrics`: `publish_metrics()` tells the recorder of the [`metrics`](https://docs.rs/metrics) crate; a [`Collector`] calls it
//!   before each of its steps.
//! - `diagnose`: a sample of the acquires is recorded with place and time, `registry::in_use_report()` groups by place what is out, and
//!   `registry::report_at_end()` what never came back. A pair of acquire and release takes 4 to 5 ns more.
//! - `tracing`: events and spans for the [`tracing`](https://docs.rs/tracing) facade, of sweeps, pressure, first uses and bounds. The hot path has none.
//! - `hits`: statistics count acquires and hits. Without it, an acquire that hits counts nothing; with it, it costs an
//!   atomic addition more.
//!
//! # Configuration flags
//!
//! Under `RUSTFLAGS="--cfg pool_chaos"` a quarter of the releases drop, searches begin anywhere, and
//! [`try_acquire`](Pooled::try_acquire) is sometimes `None`: for tests of programs that must not rely on any of it. Under
//! `--cfg pool_portable` the portable backend is the only one: for ThreadSanitizer, which does not see how the kernel orders
//! restartable sequences. Under Valgrind and Miri a program gets the portable backend without the flag.

// Tests make system calls of their own.
#![cfg_attr(not(test), deny(unsafe_code))]
#![cfg_attr(docsrs, feature(doc_cfg), doc(auto_cfg(hide(pool_loom))))]

#[doc(hidden)]
pub mod __derive;
pub mod collector;
#[cfg(feature = "diagnose")]
pub mod diagnose;
#[cfg(feature = "tracing")]
mod events;
mod machine;
pub mod registry;
mod reset;
#[cfg_attr(
    not(all(
        target_os = "linux",
        target_env = "gnu",
        target_endian = "little",
        target_pointer_width = "64",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        not(any(pool_loom, miri, pool_portable)),
    )),
    path = "sequence/none.rs"
)]
mod sequence;
mod slots;
pub mod stats;
mod storage;
mod sync;
mod typed;

// Pages: modules that exist in the documentation alone. GitHub shows their text, too, so it has no hidden lines, and defines its links for
// GitHub. `links.md` comes before it and defines them for rustdoc, which takes the first definition; a doc test goes without, so that it
// has the page's name and line. Examples are tests, but for those of pages that are hidden from `doctest`: they need other crates, and are
// taken from programs (`ci/pages.sh`).

#[cfg(all(doc, not(doctest)))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/choosing.md")]
pub mod choosing {}

#[cfg(all(any(doc, doctest), feature = "diagnose"))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"), doc = include_str!("links-diagnose.md"))]
#[doc = include_str!("../docs/diagnose.md")]
pub mod diagnosing {}

#[cfg(any(doc, doctest))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/from-sync-pool.md")]
pub mod from_sync_pool {}

#[cfg(any(doc, doctest))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/guards.md")]
pub mod guards {}

#[cfg(any(doc, doctest))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/libraries.md")]
pub mod libraries {}

#[cfg(all(doc, not(doctest)))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/memory.md")]
pub mod memory {}

#[cfg(any(doc, doctest))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/memory-pressure.md")]
pub mod memory_pressure {}

#[cfg(any(doc, doctest))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/names.md")]
pub mod names {}

#[cfg(any(doc, doctest))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/pools.md")]
pub mod pools {}

#[cfg(any(doc, doctest))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/recipes.md")]
pub mod recipes {}

#[cfg(all(doc, not(doctest)))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/runtimes.md")]
pub mod runtimes {}

#[cfg(any(all(doc, not(doctest)), all(doctest, feature = "zeroize")))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/secrets.md")]
pub mod secrets {}

#[cfg(any(doc, doctest))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/sizing.md")]
pub mod sizing {}

#[cfg(any(doc, doctest))]
#[cfg_attr(not(doctest), doc = include_str!("links.md"))]
#[doc = include_str!("../docs/system-calls.md")]
pub mod system_calls {}

pub use collector::Collector;
#[cfg(feature = "metrics")]
pub use collector::metrics::{publish_metrics, publish_metrics_as};
pub use machine::backend::{Backend, Reason};
pub use machine::decision::backend;
pub use registry::{age, collect};
pub use reset::Reset;
pub use reset::capacity::LimitCapacity;
pub use reset::heap::HeapBytes;
#[cfg(pool_inject)]
#[doc(hidden)]
pub use sequence::inject;
pub use typed::guard::Guard;
pub use typed::owned_guard::OwnedGuard;
pub use typed::owned_pool::OwnedPool;
pub use typed::pool::Pool;
pub use typed::pooled::{OnPanic, Pooled};

/// The builder of an [`OwnedPool`], and the types in its signature.
pub mod owned {
    pub use crate::typed::hooks::{By, ByReset, Hooks, NoHooks, Retain};
    pub use crate::typed::owned_pool::Builder;
}

#[cfg(feature = "derive")]
pub use pool_macros::{Pooled, Reset};
