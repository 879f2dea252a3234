//! The sources that tell the collector that memory is short (Linux). `place` opens a path, and `sleeper` holds the collector's sleep.
//!
//! # Sources
//!
//! They are tried in this order, and the first that works is used:
//!
//! 1. The file that `MEMORY_PRESSURE_WATCH` names, after the data that `MEMORY_PRESSURE_WRITE` holds in Base64 have been written to it. This is the
//!    [protocol of systemd](https://systemd.io/PRESSURE/): a file of the kernel is polled for `POLLPRI` and never read; a FIFO or a socket is polled
//!    for `POLLIN`, and the bytes that come are discarded; `/dev/null` turns pressure off.
//! 2. `memory.pressure` of the process's cgroup, version 2.
//! 3. `/proc/pressure/memory`, which is about the whole machine.
//!
//! A source that does not exist is passed over. A source that exists and does not work is passed over and reported, and so is each fault in the
//! environment variables. A source that is lost is replaced by the next in the order, and tried again later.
//!
//! # Invariants
//!
//! 1. Data from the environment is written to a FIFO, to a socket, or to a pressure file of the kernel's procfs or cgroup file system, and to nothing
//!    else. If the program runs with more rights than its user has (`AT_SECURE`), the environment is not looked at. Else the environment could have a
//!    file overwritten.
//! 2. The kind of a file is asked of the open file, never of its path, which may lead elsewhere a moment later. A place is opened first as nothing
//!    but a place (`O_PATH`), which has no effect on a device and does not wait. If it is of a kind that is used, the same place is then opened, or
//!    connected to, by way of `/proc/self/fd`. The open file is written to only if it is the file that was looked at. If there is no procfs, the path
//!    is opened a second time: a file that was put there meanwhile is opened and not written to.
//! 3. No symbolic link is followed at the end of a path, no open waits for another process or gives the process a terminal, and no
//!    descriptor stays open in a program that the process starts.

use core::ops::Range;
use core::time::Duration;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::heard::{PressureError, PressureSource};
use super::place::{Place, write_at_once};
pub(super) use super::sleeper::{Alarm, Sleeper, Watch, sleeper};
use crate::machine::system;

/// The trigger that is set if the environment names none: in two seconds, some task has waited for memory for 200 ms. It is systemd's default. The
/// kernel wants the zero at the end, and lets every process set windows of two seconds.
pub(super) const TRIGGER: &[u8] = b"some 200000 2000000\0";

const WATCH: &str = "MEMORY_PRESSURE_WATCH";
const WRITE: &str = "MEMORY_PRESSURE_WRITE";

/// The mount points of cgroups of version 2: alone, and beside those of version 1.
const CGROUPS: [&str; 2] = ["sys/fs/cgroup", "sys/fs/cgroup/unified"];

/// The number of places in the order of sources.
const PLACES: usize = 2 + CGROUPS.len();

/// After so much time a source that was lost is tried again, before the next step.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The result of a search for a source.
pub(super) struct Found {
    pub(super) source: PressureSource,
    pub(super) watch: Option<Watch>,
    pub(super) errors: Vec<PressureError>,
    /// The source's place in the order.
    place: usize,
}

impl Found {
    pub(super) fn nothing() -> Self {
        Self { source: PressureSource::None, watch: None, errors: Vec::new(), place: PLACES }
    }
}

/// The possible sources of pressure, and the place of the source in use.
pub(super) struct Sources {
    root: PathBuf,
    /// The environment's variables when the collector was started.
    watch: Option<OsString>,
    write: Option<OsString>,
    /// The place of the source that was found first, and of the source that is in use.
    first: usize,
    place: usize,
    /// When a lost source was last tried.
    tried: Option<Instant>,
    pub(super) again_after: Duration,
}

impl Sources {
    /// The sources of this process.
    pub(super) fn new() -> Self {
        let trusted = system::auxiliary(libc::AT_SECURE) == 0;
        let variable = |name| if trusted { env::var_os(name) } else { None };
        Self::below(Path::new("/"), variable(WATCH), variable(WRITE))
    }

    /// Sources with the kernel's files below `root`, and these values of the environment variables.
    pub(super) fn below(root: &Path, watch: Option<OsString>, write: Option<OsString>) -> Self {
        let root = root.to_owned();
        Self { root, watch, write, first: PLACES, place: PLACES, tried: None, again_after: AGAIN_AFTER }
    }

    /// Finds the first source that works.
    pub(super) fn first(&mut self) -> Found {
        let found = self.find(0..PLACES);
        (self.first, self.place) = (found.place, found.place);
        found
    }

    /// Finds the next source that works, when the source in use has been lost.
    pub(super) fn next(&mut self) -> Found {
        let found = self.find((self.place + 1).min(PLACES)..PLACES);
        self.place = found.place;
        self.tried = Some(Instant::now());
        found
    }

    /// Finds a source before the one in use, if a source was lost and works again. Looks only if the last time is long ago.
    pub(super) fn again(&mut self) -> Option<Found> {
        let now = Instant::now();
        let is_due = self.tried.is_some_and(|tried| now.saturating_duration_since(tried) >= self.again_after);
        if self.place <= self.first || !is_due {
            return None;
        }
        self.tried = Some(now);
        let found = self.find(self.first..self.place);
        found.watch.is_some().then(|| {
            self.place = found.place;
            found
        })
    }

    /// Finds the first source that works, of these places in the order.
    fn find(&self, places: Range<usize>) -> Found {
        let mut found = Found::nothing();
        if let Some(path) = &self.watch {
            // The protocol has `/dev/null`; for systemd's own clients an empty value means that, too.
            if path.is_empty() || path == "/dev/null" {
                return found;
            }
        }
        for place in places {
            let source = match place {
                0 => self.watch.as_ref().map(|path| PressureSource::Environment(path.into())),
                place if place <= CGROUPS.len() => {
                    cgroup_file(&self.root, CGROUPS[place - 1]).map(PressureSource::Cgroup)
                }
                _ => Some(PressureSource::Machine),
            };
            let Some(source) = source else { continue };
            let opened = match &source {
                PressureSource::Environment(path) => open_asked_for(path, self.write.as_deref()).map(Some),
                PressureSource::Cgroup(path) => open_if_there(path),
                _ => open_if_there(&self.root.join("proc/pressure/memory")),
            };
            match opened {
                Ok(Some(watch)) => return Found { source, watch: Some(watch), place, ..found },
                Ok(None) => {}
                Err(error) => found.errors.push(error),
            }
        }
        found
    }
}

/// Opens a file of the kernel, and sets a trigger. `None` if it is not there.
fn open_if_there(path: &Path) -> Result<Option<Watch>, PressureError> {
    match Place::at(path).and_then(|place| open_kernel_file(&place, TRIGGER)) {
        Ok(watch) => Ok(Some(watch)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PressureError::new(path, error)),
    }
}

/// The path that `memory.pressure` of this process's cgroup may have below `mount`, if the process has a cgroup of version 2.
fn cgroup_file(root: &Path, mount: &str) -> Option<PathBuf> {
    let cgroups = fs::read(root.join("proc/self/cgroup")).unwrap_or_default();
    let cgroup = parse_cgroup(&cgroups).and_then(|cgroup| cgroup.strip_prefix(b"/"))?;
    Some(root.join(mount).join(OsStr::from_bytes(cgroup)).join("memory.pressure"))
}

/// The path in the line of version 2, which has the number 0 and no controllers: `0::/path`.
pub(super) fn parse_cgroup(cgroups: &[u8]) -> Option<&[u8]> {
    cgroups.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"0::"))
}

/// Opens the source that the environment names.
fn open_asked_for(path: &Path, write: Option<&OsStr>) -> Result<Watch, PressureError> {
    let wrong = |what: &str| PressureError::new(path, format!("{what}, in the environment variable {WATCH}"));
    let unfit = |what: &str| PressureError::new(path, format!("{what}, for the environment variable {WRITE}"));
    if !path.is_absolute() {
        return Err(wrong("not an absolute path"));
    }
    let data = match write {
        None => Vec::new(),
        Some(text) => decode_base64(text.as_bytes()).ok_or_else(|| unfit("no Base64"))?,
    };
    let place = Place::at(path).map_err(|error| wrong(&error.to_string()))?;
    let (file, events) = match place.kind() {
        libc::S_IFREG => (place.open_pressure_file(!data.is_empty()), libc::POLLPRI),
        // For writing too, even if nothing is written: a FIFO that is open for writing nowhere is at its end.
        libc::S_IFIFO => (place.open(true), libc::POLLIN),
        libc::S_IFSOCK => (place.connect(), libc::POLLIN),
        libc::S_IFLNK => return Err(wrong("a symbolic link, so write the path that it leads to")),
        _ => return Err(wrong("neither a file of the kernel, nor a FIFO, nor a socket")),
    };
    let file = file.map_err(|error| wrong(&error.to_string()))?;
    write_at_once(&file, &data).map_err(|error| unfit(&error.to_string()))?;
    let is_fifo = place.kind() == libc::S_IFIFO;
    Ok(Watch::new(file, events).after_writing(if is_fifo { data.len() } else { 0 }))
}

/// Opens a PSI file, and sets a trigger.
pub(super) fn open_kernel_file(place: &Place, trigger: &[u8]) -> io::Result<Watch> {
    let file = place.open_pressure_file(true)?;
    write_at_once(&file, trigger)?;
    Ok(Watch::new(file, libc::POLLPRI))
}

/// Decodes Base64 (RFC 4648, section 4), padding included. `None` if the text is not Base64.
pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
    let mut data = Vec::with_capacity(text.len() / 4 * 3);
    for digits in text[..text.len() - padding].chunks(4) {
        let mut word = 0;
        for &digit in digits {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            word = word << 6 | u32::from(value);
        }
        // Four digits are three bytes, and each digit less is one byte less.
        word <<= 6 * (4 - digits.len());
        data.extend_from_slice(&word.to_be_bytes()[1..digits.len()]);
    }
    Some(data)
}
