//! The library's words to the user of a program, on standard error.

use std::io::Write as _;

/// Writes to standard error, past the lock that std has on it: an acquire waits for no other thread. If standard
/// error is closed, the line is lost.
pub(crate) fn report(line: &str) {
    #[cfg(unix)]
    let stderr = std::os::fd::AsFd::as_fd(&std::io::stderr()).try_clone_to_owned();
    #[cfg(windows)]
    let stderr = std::os::windows::io::AsHandle::as_handle(&std::io::stderr()).try_clone_to_owned();
    #[cfg(not(any(unix, windows)))]
    let stderr = std::io::Result::Ok(std::io::stderr());

    #[cfg(any(unix, windows))]
    let stderr = stderr.map(std::fs::File::from);
    let _ = stderr.and_then(|mut stderr| stderr.write_all(line.as_bytes()));
}
