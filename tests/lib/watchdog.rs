//! Ends a test that hangs.

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Far above the time of any part of a test, on a slow machine too.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `part` on a thread of its own, and panics if it has not ended within a minute.
#[track_caller]
pub fn within_a_minute<R: Send + 'static>(what: &str, part: impl FnOnce() -> R + Send + 'static) -> R {
    let (ended, end) = channel();
    let thread = thread::spawn(move || {
        let result = part();
        let _ = ended.send(());
        result
    });
    match end.recv_timeout(LIMIT) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
        Err(RecvTimeoutError::Timeout) => panic!("{what} hangs"),
    }
}
