//! The machine under the process: how local stacks work, how many CPUs there are, and which slot a thread works with. No module here
//! knows a pool.
//!
//! From the bottom: `system` has the C library's functions, safe to call; `backend` and `report` have words alone; `topology` asks the
//! kernel about CPUs; `area` finds the rseq areas, and fences with `membarrier` or `walk`; `decision` chooses the backend, once; `cpus`
//! counts, and `threads` numbers, for that backend; `at_load` asks it all when the program is loaded. `process` tells a child of `fork`
//! from its parent, and `library` code that stays from code that may be unloaded.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod affinity;
#[cfg_attr(
    not(all(
        target_os = "linux",
        target_env = "gnu",
        target_endian = "little",
        target_pointer_width = "64",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        not(any(pool_loom, miri, pool_portable)),
    )),
    path = "no_area.rs"
)]
pub(crate) mod area;
#[cfg(all(any(target_os = "linux", target_os = "android"), not(any(pool_loom, miri))))]
mod at_load;
pub(crate) mod backend;
pub(crate) mod cpus;
pub(crate) mod decision;
#[cfg_attr(not(all(target_os = "linux", target_env = "gnu", not(any(pool_loom, miri)))), path = "no_library.rs")]
pub(crate) mod library;
mod once;
pub(crate) mod process;
pub(crate) mod report;
#[cfg(unix)]
pub(crate) mod system;
pub(crate) mod threads;
#[cfg_attr(
    not(all(any(target_os = "linux", target_os = "android"), not(any(pool_loom, miri)))),
    path = "no_topology.rs"
)]
mod topology;
