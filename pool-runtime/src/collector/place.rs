//! [`Place`]: the file that a path of the environment leads to. It is opened, connected to and written to here (Linux). Invariants 1 to 3 of
//! `pressure` are kept here.

use core::time::Duration;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::machine::system;

/// How long a socket may take to accept the connection.
pub(super) const ACCEPTED_WITHIN: Duration = Duration::from_secs(1);

/// The file that a path has led to (invariant 2 of `pressure`), opened as a place: neither for reading nor for writing.
pub(super) struct Place<'a> {
    path: &'a Path,
    place: File,
    stat: Metadata,
}

impl<'a> Place<'a> {
    pub(super) fn at(path: &'a Path) -> io::Result<Self> {
        // std asks for one of the two accesses; with `O_PATH` the kernel ignores it. std sets `O_CLOEXEC`.
        let place = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW).open(path)?;
        let stat = place.metadata()?;
        Ok(Self { path, place, stat })
    }

    /// The kind of the file: its bits of `S_IFMT`.
    pub(super) fn kind(&self) -> libc::mode_t {
        self.stat.mode() as libc::mode_t & libc::S_IFMT
    }

    /// Another name of this place, which leads nowhere else.
    fn name(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.place.as_raw_fd()))
    }

    /// Opens it for reading, and with `write` for writing too.
    pub(super) fn open(&self, write: bool) -> io::Result<File> {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let mut options = OpenOptions::new();
        options.read(true).write(write);
        let opened = options.custom_flags(flags).open(self.name());
        let file = match opened {
            // There is no procfs here.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                options.custom_flags(flags | libc::O_NOFOLLOW).open(self.path)?
            }
            opened => opened?,
        };
        let stat = file.metadata()?;
        if (stat.dev(), stat.ino()) != (self.stat.dev(), self.stat.ino()) {
            return Err(io::Error::other("replaced while it was opened"));
        }
        Ok(file)
    }

    /// Opens a file of the kernel that tells pressure.
    pub(super) fn open_pressure_file(&self, write: bool) -> io::Result<File> {
        // The place is asked: to open any other file of the kernel may have effects.
        if !is_of_kernel(&self.place)? {
            return Err(io::Error::other("not a file of the kernel: neither in procfs nor in a cgroup file system"));
        }
        let file = self.open(write)?;
        let mut start = [0; 5];
        let read = file.read_at(&mut start, 0)?;
        // A write to another file of the kernel may end a process or the machine.
        if ![&b"some "[..], b"full "].contains(&&start[..read]) {
            return Err(io::Error::other("a file of the kernel that does not tell pressure"));
        }
        Ok(file)
    }

    pub(super) fn connect(&self) -> io::Result<File> {
        let socket = match connect(&self.name()) {
            // There is no procfs here. If the path leads to another socket by now, that socket gets a message, and nothing is overwritten.
            Err(error) if error.kind() == ErrorKind::NotFound => connect(self.path)?,
            connected => connected?,
        };
        socket.set_nonblocking(true)?;
        Ok(File::from(OwnedFd::from(socket)))
    }
}

/// Connects to a socket, which has to accept within [`ACCEPTED_WITHIN`]. std waits for ever while the socket's queue is full.
fn connect(path: &Path) -> io::Result<UnixStream> {
    let path = path.as_os_str().as_bytes();
    // A zero stays behind the path.
    let mut address = libc::sockaddr_un { sun_family: libc::AF_UNIX as libc::sa_family_t, sun_path: [0; 108] };
    if path.len() >= address.sun_path.len() {
        return Err(io::Error::from(ErrorKind::InvalidInput));
    }
    address.sun_path.iter_mut().zip(path).for_each(|(place, &byte)| *place = byte as libc::c_char);
    let socket = UnixStream::from(system::socket()?);
    // It limits the time of a `connect`, too.
    socket.set_write_timeout(Some(ACCEPTED_WITHIN))?;
    let start = Instant::now();
    loop {
        match system::connect(socket.as_fd(), &address) {
            Ok(()) => return Ok(socket),
            Err(error) if error.kind() == ErrorKind::Interrupted && start.elapsed() < ACCEPTED_WITHIN => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(io::Error::new(ErrorKind::TimedOut, "the socket does not accept the connection"));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Writes in one piece: the kernel takes each write for a trigger of its own.
pub(super) fn write_at_once(mut file: &File, data: &[u8]) -> io::Result<()> {
    if data.is_empty() {
        return Ok(());
    }
    let mut written = system::send(file.as_fd(), data);
    if written.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::ENOTSOCK)) {
        written = file.write(data);
    }
    if written? == data.len() { Ok(()) } else { Err(ErrorKind::WriteZero.into()) }
}

/// Whether a file lies in procfs or in a cgroup file system of version 2.
fn is_of_kernel(file: &File) -> io::Result<bool> {
    let kind = system::file_system(file.as_fd())?;
    Ok([libc::PROC_SUPER_MAGIC, libc::CGROUP2_SUPER_MAGIC].iter().any(|&magic| kind == magic as _))
}
