//! The end: requests in flight are waited for, then nothing is in use, and everything is given back.

use std::fmt;
use std::io;

use pool_runtime::registry;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGINT or SIGTERM.
///
/// # Errors
///
/// If the handlers cannot be installed.
pub(crate) fn asked() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Objects that are in use, over all pools. Approximate while threads use the pools.
pub(crate) fn in_use() -> usize {
    registry::stats().iter().map(|pool| pool.in_use).sum()
}

/// What the pools gave back at the end.
#[derive(Debug)]
pub(crate) struct Given {
    /// Objects that were dropped.
    pub(crate) objects: usize,
    /// Pools that they were in.
    pub(crate) pools: usize,
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in use 0, given back {} objects of {} pools", self.objects, self.pools)
    }
}

/// Gives back everything that is idle. All tasks have ended.
///
/// # Panics
///
/// If an object is in use: a request has ended, and its object has not come back.
pub(crate) fn give_back() -> Given {
    let mut given = Given { objects: 0, pools: 0 };
    for pool in registry::pools() {
        // `None` if the system cannot stop the local stacks; then the approximate numbers are exact, too, since no thread uses a pool.
        let stats = pool.settled_stats().unwrap_or_else(|| pool.stats());
        assert_eq!(stats.in_use, 0, "`{}` has objects in use after the last request", stats.name);
        given.objects += stats.idle;
        given.pools += 1;
    }
    pool_runtime::collect();
    for pool in registry::pools() {
        assert_eq!(pool.idle(), 0, "`{}` has idle objects after a collect", pool.name());
    }
    given
}
