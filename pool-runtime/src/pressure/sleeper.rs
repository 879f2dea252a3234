//! [`Sleeper`], what the collector sleeps on: a source of pressure, an alarm and a deadline, in one `poll` (Linux).

use core::mem;
use core::ptr;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::net::Shutdown;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use crate::collector::Wake;

/// A source that is open.
pub(crate) struct Watch {
    pub(super) file: File,
    /// `POLLPRI` for a file of the kernel, which must not be read; `POLLIN` for what is to be read.
    pub(super) events: libc::c_short,
}

/// How much is read at a wake-up: what a FIFO holds.
const DRAINED: usize = 64 << 10;

impl Watch {
    /// What an event that `poll` has reported means.
    fn judge(&self, events: libc::c_short) -> Wake {
        if events & self.events == 0 || (self.events == libc::POLLPRI && events & libc::POLLERR != 0) {
            // The kernel answers with an error where there is no trigger, and where the cgroup has been removed.
            return Wake::Lost("the source is gone, or has no trigger".into());
        }
        if self.events == libc::POLLPRI {
            return Wake::Pressure;
        }
        let mut buffer = [0; 4096];
        let mut drained = 0;
        while drained < DRAINED {
            match (&self.file).read(&mut buffer) {
                Ok(0) if drained == 0 => return Wake::Lost("closed by the other end".into()),
                Ok(0) => break,
                Ok(read) => drained += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if drained == 0 => return Wake::Lost(error.to_string()),
                Err(_) => break,
            }
        }
        Wake::Pressure
    }
}

/// Ends a [`Sleeper`]'s sleep for good.
pub(crate) struct Alarm(UnixStream);

/// What the collector sleeps on.
pub(crate) struct Sleeper {
    alarm: UnixStream,
    watch: Option<Watch>,
}

pub(crate) fn sleeper(watch: Option<Watch>) -> io::Result<(Alarm, Sleeper)> {
    let (alarm, heard) = UnixStream::pair()?;
    Ok((Alarm(alarm), Sleeper { alarm: heard, watch }))
}

impl Alarm {
    pub(crate) fn ring(&self) {
        // Not by closing it: a forked child has the descriptor as well. It cannot fail: the pair is connected.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Sleeper {
    /// Sleeps until the deadline, pressure or the alarm, and for no other reason. A source that is lost is not asked
    /// again.
    pub(crate) fn sleep(&mut self, deadline: Option<Instant>) -> Wake {
        loop {
            let watched = self.watch.as_ref().map_or((-1, 0), |watch| (watch.file.as_raw_fd(), watch.events));
            let mut files = [(self.alarm.as_raw_fd(), libc::POLLIN), watched].map(|(fd, events)| libc::pollfd {
                fd,
                events,
                revents: 0,
            });
            match poll(&mut files, deadline) {
                Ok(0) => return Wake::Deadline,
                Ok(_) if files[0].revents != 0 => return Wake::Alarm,
                Ok(_) => {
                    let Some(watch) = &self.watch else { continue };
                    let wake = watch.judge(files[1].revents);
                    if let Wake::Lost(_) = wake {
                        self.watch = None;
                    }
                    return wake;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Wake::Broken(format!("poll: {error}")),
            }
        }
    }
}

/// Waits until one of the files has an event, and says how many have.
fn poll(files: &mut [libc::pollfd], deadline: Option<Instant>) -> io::Result<usize> {
    let timeout = deadline.map(|deadline| {
        let rest = deadline.saturating_duration_since(Instant::now());
        // SAFETY: the structure is made of integers, for which zero is a value. It has padding on some systems.
        let mut timeout: libc::timespec = unsafe { mem::zeroed() };
        // 68 years are no deadline. The name of the field's type is not the same in all C libraries.
        timeout.tv_sec = rest.as_secs().min(i32::MAX as u64) as _;
        timeout.tv_nsec = rest.subsec_nanos() as _;
        timeout
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the pointers are to as many structures as is said, to a time or null, and to no set of signals.
    let ready = unsafe { libc::ppoll(files.as_mut_ptr(), files.len() as _, timeout, ptr::null()) };
    usize::try_from(ready).map_err(|_| io::Error::last_os_error())
}
