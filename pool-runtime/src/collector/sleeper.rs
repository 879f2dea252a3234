//! [`Sleeper`]: the collector's sleep, one `poll` that a source of pressure, an alarm or a deadline ends (Linux).
//!
//! # Invariants
//!
//! 1. Reports within one window are one report. After a report the source is not asked until the window is over. Then the bytes that have come to a
//!    FIFO or a socket meanwhile are discarded, so a flood costs some reads in two seconds. The kernel has windows of its own, and a report that
//!    waits there is of the next.
//! 2. Data that the collector has written to a FIFO lie where its reports come, and are left there for the manager, the process at the other end, to
//!    read. Until it has, for [`PATIENCE`] windows at the most, the collector looks at the FIFO once in a window, and tells a report from the data by
//!    the number of bytes in it.
//! 3. [`Open`] names a descriptor from after it is opened until before it is closed. So a forked child, which has a copy of both, finds no descriptor
//!    there that is another file's by then. `fork` copies the descriptors before the memory, and a descriptor may change in between: so a child
//!    compares files.

#![allow(unsafe_code, reason = "docs/unsafe.md")]

use core::time::Duration;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::mem::ManuallyDrop;
use std::net::Shutdown;
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::heard::Wake;
use crate::machine::system;

/// The window of the triggers that systemd and this crate set.
const WINDOW: Duration = Duration::from_secs(2);

/// The number of windows for which the data that was written to a FIFO may lie there before the manager reads it.
const PATIENCE: u32 = 5;

/// Bytes that are read at a report: as many as a FIFO holds.
const DRAINED: usize = 64 << 10;

/// Bytes that are discarded when a window is over: as many as a FIFO can be made to hold without privileges.
const DISCARDED: usize = 1 << 20;

/// A source that is open.
pub(super) struct Watch {
    pub(super) file: File,
    /// `POLLPRI` for a file of the kernel, which must not be read; `POLLIN` for a FIFO or a socket, which is read.
    pub(super) events: libc::c_short,
    /// Bytes that were written to a FIFO, and the number of windows for which they are still left there.
    pub(super) written: Option<(usize, u32)>,
}

impl Watch {
    pub(super) fn new(file: File, events: libc::c_short) -> Self {
        Self { file, events, written: None }
    }

    /// Notes that so many bytes were written, for the manager to read from the same end.
    pub(super) fn after_writing(self, bytes: usize) -> Self {
        Self { written: (bytes > 0).then_some((bytes, PATIENCE)), ..self }
    }

    /// The meaning of an event that `poll` has reported.
    fn judge(&self, events: libc::c_short) -> Wake {
        if events & self.events == 0 || (self.events == libc::POLLPRI && events & libc::POLLERR != 0) {
            // The kernel answers with an error if there is no trigger, and if the cgroup has been removed.
            return Wake::Lost("the source is gone, or has no trigger".into());
        }
        if self.events == libc::POLLPRI {
            return Wake::Pressure;
        }
        match self.drain(DRAINED) {
            Ok(true) => Wake::Pressure,
            Ok(false) => Wake::Lost("closed by the other end".into()),
            Err(error) => Wake::Lost(error.to_string()),
        }
    }

    /// Reads the bytes that are there, and not many more than `most`. `false` if the other end is closed and no byte is left.
    fn drain(&self, most: usize) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let mut drained = 0;
        while drained < most {
            match (&self.file).read(&mut buffer) {
                Ok(0) => return Ok(drained > 0),
                Ok(read) => drained += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if drained == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(true)
    }

    /// Ends a window. Returns whether there was a report in it, or `None` if the source is not to be asked for another window (invariant 2).
    fn end_window(&mut self) -> Option<bool> {
        if self.events == libc::POLLPRI {
            return Some(false);
        }
        if let Some((bytes, windows)) = self.written.take() {
            let there = system::readable(self.file.as_fd());
            if there < bytes {
                // The manager has read them. Bytes that are there are a report, which `poll` will tell.
                return Some(false);
            }
            if there == bytes && windows > 0 {
                self.written = Some((bytes, windows - 1));
                return None;
            }
            let _ = self.drain(DISCARDED);
            return Some(there > bytes);
        }
        // If the other end is closed, `poll` tells it again.
        let _ = self.drain(DISCARDED);
        Some(false)
    }
}

/// Ends a [`Sleeper`]'s sleep for good.
pub(super) struct Alarm {
    rings: UnixStream,
    open: Arc<Open>,
}

/// The alarm and the source that the collector sleeps on.
pub(super) struct Sleeper {
    alarm: File,
    watch: Option<Watch>,
    /// The end of the window of the last report.
    quiet_until: Option<Instant>,
    pub(super) window: Duration,
    open: Arc<Open>,
}

/// The descriptors of a sleeper, for a forked child, where its thread does not exist (invariant 3). Locked for a moment.
struct Open(Mutex<[Option<Descriptor>; 2]>);

/// A descriptor's number, and the identity of the file that it is open for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Descriptor {
    number: RawFd,
    device: u64,
    file: u64,
}

impl Descriptor {
    fn of(file: &File) -> io::Result<Self> {
        let stat = file.metadata()?;
        Ok(Self { number: file.as_raw_fd(), device: stat.dev(), file: stat.ino() })
    }

    /// Closes the descriptor, if it is still the same file's.
    fn close(self) {
        // SAFETY: it belongs to the sleeper of a thread that does not exist in this process, and no other code closes it. If the number is another
        // file's by now, the identity of that file is read, and the file is not closed.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(self.number) });
        if Self::of(&file).is_ok_and(|now| now == self) {
            drop(ManuallyDrop::into_inner(file));
        }
    }
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, [Option<Descriptor>; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sleeper that watches nothing yet.
pub(super) fn sleeper() -> io::Result<(Alarm, Sleeper)> {
    let (rings, alarm) = UnixStream::pair()?;
    let alarm = File::from(OwnedFd::from(alarm));
    let open = Arc::new(Open(Mutex::new([Descriptor::of(&alarm).ok(), None])));
    let sleeper = Sleeper { alarm, watch: None, quiet_until: None, window: WINDOW, open: Arc::clone(&open) };
    Ok((Alarm { rings, open }, sleeper))
}

impl Alarm {
    pub(super) fn ring(&self) {
        // Not by closing it: a forked child has the descriptor as well. It cannot fail: the pair is connected.
        let _ = self.rings.shutdown(Shutdown::Both);
    }

    /// Closes the descriptors that a forked child has of its parent's sleeper.
    pub(super) fn close_inherited(&self) {
        // If the thread had the lock at the moment of the fork, they stay open.
        if let Ok(mut open) = self.open.0.try_lock() {
            open.iter_mut().filter_map(Option::take).for_each(Descriptor::close);
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        *self.open.lock() = [None; 2];
    }
}

impl Sleeper {
    /// Watches this source from now on, and no other.
    pub(super) fn watch(&mut self, watch: Option<Watch>) {
        self.open.lock()[1] = None;
        self.quiet_until = None;
        self.watch = watch;
        if let Some(watch) = &self.watch {
            self.open.lock()[1] = Descriptor::of(&watch.file).ok();
            if watch.written.is_some() {
                self.be_quiet();
            }
        }
    }

    fn be_quiet(&mut self) {
        self.quiet_until = Instant::now().checked_add(self.window);
    }

    /// Sleeps until the deadline, pressure or the alarm. The thread wakes up for no other reason but that a window ends. A source that is lost is not
    /// asked again.
    pub(super) fn sleep(&mut self, deadline: Option<Instant>) -> Wake {
        loop {
            if self.quiet_until.is_some_and(|until| until <= Instant::now()) {
                self.quiet_until = None;
                match self.watch.as_mut().map(Watch::end_window) {
                    Some(None) => self.be_quiet(),
                    Some(Some(true)) => {
                        self.be_quiet();
                        return Wake::Pressure;
                    }
                    Some(Some(false)) | None => {}
                }
            }
            let asked = self.watch.as_ref().filter(|_| self.quiet_until.is_none());
            let watched = asked.map(|watch| (watch.file.as_fd(), watch.events));
            let until = deadline.into_iter().chain(self.quiet_until).min();
            let time = until.map(|until| until.saturating_duration_since(Instant::now()));
            match system::poll([Some((self.alarm.as_fd(), libc::POLLIN)), watched], time) {
                Ok([0, 0]) if deadline.is_some_and(|deadline| deadline <= Instant::now()) => return Wake::Deadline,
                Ok([0, 0]) => {}
                Ok([0, events]) => {
                    let Some(watch) = &self.watch else { continue };
                    let wake = watch.judge(events);
                    match wake {
                        Wake::Lost(_) => self.watch(None),
                        _ => self.be_quiet(),
                    }
                    return wake;
                }
                Ok(_) => return Wake::Alarm,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Wake::Broken(format!("poll: {error}")),
            }
        }
    }
}
