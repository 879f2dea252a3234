//! Memory that is short, in earnest: a cgroup with a limit, and the kernel's own report of pressure. With jemalloc and
//! mimalloc the same program is run by `benches/residue/run.sh`.
//!
//! Where no cgroup can be made it is skipped, and says why.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use pool_runtime::Collector;
use tests::child;
use tests::short_of_memory::{self, Cgroups};

#[test]
fn a_program_that_is_short_of_memory_gets_it_back() {
    if child::is_child() {
        return short_of_memory::run(Collector::builder());
    }
    match Cgroups::new() {
        Ok(cgroups) => {
            let name = "a_program_that_is_short_of_memory_gets_it_back";
            let output = child::run_and_pass(name, |child| cgroups.put(child));
            print!("{}", String::from_utf8_lossy(&output.stdout));
        }
        Err(error) => println!("skipped: no cgroup can be made: {error}"),
    }
}
