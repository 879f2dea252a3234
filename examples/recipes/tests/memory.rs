//! Memory that goes back to the system, and limits in bytes.

use pool_runtime::collector::StartError;
use pool_runtime::{Collector, Pooled};

#[cfg(all(target_os = "linux", target_env = "gnu"))]
/// Drops all idle objects, and gives their memory back to the system.
fn give_back() {
    pool_runtime::collect();
    // SAFETY: no precondition.
    unsafe { libc::malloc_trim(0) };
}

#[derive(Default, Pooled)]
#[pooled(weigh)]
struct Request {
    body: Vec<u8>,
    path: String,
}

// A single test: a collector may collect at any time.
#[test]
fn a_step_weighs_what_is_idle() -> Result<(), StartError> {
    Request::acquire().body.reserve_exact(1000);
    pool_runtime::age();
    assert_eq!(Request::pool().stats().idle_bytes, Some(size_of::<Request>() + 1000));
    assert!(Request::acquire().path.is_empty());

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        give_back();
        assert_eq!(Request::pool().idle(), 0);
    }

    let collector = Collector::builder().max_bytes(64 << 20).start()?;
    drop(collector);
    Ok(())
}
