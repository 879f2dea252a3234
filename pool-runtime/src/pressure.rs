//! Where the collector hears that memory is short (Linux). How it sleeps until then is in `sleeper`.
//!
//! # Sources
//!
//! They are tried in this order, and the first that works is used:
//!
//! 1. What `MEMORY_PRESSURE_WATCH` names, after what `MEMORY_PRESSURE_WRITE` holds in Base64 has been written to it. This is
//!    the [protocol of systemd](https://systemd.io/PRESSURE/): a file of the kernel is polled for `POLLPRI` and never
//!    read; a FIFO or a socket is polled for `POLLIN`, and what comes is discarded; `/dev/null` turns pressure off.
//! 2. `memory.pressure` of the process's cgroup, version 2.
//! 3. `/proc/pressure/memory`, which is about the whole machine.
//!
//! A source that does not exist is passed over. One that exists and does not work is, too, and is reported; so is whatever
//! is wrong with the environment variables. One that is lost is replaced by the next in the order, and tried again later.
//!
//! # Invariants
//!
//! 1. Data from the environment is written to a FIFO, to a socket, or to a pressure file of the kernel's procfs or cgroup file
//!    system, and to nothing else; and the environment is not looked at where the program runs with more rights than its user
//!    has (`AT_SECURE`). Else the environment could have a file overwritten.
//! 2. What a path leads to is asked of what has been opened, never of the path: that may lead elsewhere a moment later. A place is
//!    opened first as nothing but a place (`O_PATH`), which has no effect on a device and waits for nobody. If it is of a kind that is
//!    used, the same place is then opened, or connected to, by way of `/proc/self/fd`; and what was opened is written to if it is what
//!    was looked at. Where there is no procfs the path is opened a second time: what has been put there meanwhile is opened
//!    and not written to.
//! 3. No symbolic link is followed at the end of a path, no open waits for another process or gives the process a terminal, and no
//!    descriptor stays open in a program that the process starts.

mod sleeper;

use core::mem;
use core::ops::Range;
use core::time::Duration;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::collector::{PressureError, PressureSource};
pub(crate) use sleeper::{Alarm, Sleeper, Watch, sleeper};

/// The trigger that is set where the environment does not say one: in two seconds, some task has waited for memory for
/// 200 ms. It is systemd's default. The kernel wants the zero at the end, and lets everybody set windows of two
/// seconds.
const TRIGGER: &[u8] = b"some 200000 2000000\0";

const WATCH: &str = "MEMORY_PRESSURE_WATCH";
const WRITE: &str = "MEMORY_PRESSURE_WRITE";

/// Where cgroups of version 2 are found: alone, and beside those of version 1.
const CGROUPS: [&str; 2] = ["sys/fs/cgroup", "sys/fs/cgroup/unified"];

/// How many sources there can be: places in the order.
const PLACES: usize = 2 + CGROUPS.len();

/// How long a socket may take to accept the connection.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(1);

/// A source that was lost is tried again when so much time has passed, and a step is taken anyway.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// What came of a search for a source.
pub(crate) struct Found {
    pub(crate) source: PressureSource,
    pub(crate) watch: Option<Watch>,
    pub(crate) errors: Vec<PressureError>,
    /// In the order of sources.
    place: usize,
}

impl Found {
    pub(crate) fn nothing() -> Self {
        Self { source: PressureSource::None, watch: None, errors: Vec::new(), place: PLACES }
    }
}

/// Where pressure may be heard of, and where it is.
pub(crate) struct Sources {
    root: PathBuf,
    /// The environment's variables when the collector was started.
    watch: Option<OsString>,
    write: Option<OsString>,
    /// The place of the source that was found first, and of the one that is in use.
    first: usize,
    place: usize,
    /// When one was last tried that had been lost.
    tried: Option<Instant>,
    again_after: Duration,
}

impl Sources {
    /// Those of this process.
    pub(crate) fn new() -> Self {
        // SAFETY: no precondition.
        let trusted = unsafe { libc::getauxval(libc::AT_SECURE) } == 0;
        let variable = |name| if trusted { env::var_os(name) } else { None };
        Self::below(Path::new("/"), variable(WATCH), variable(WRITE))
    }

    /// With the kernel's files below `root`, and these values of the environment variables.
    fn below(root: &Path, watch: Option<OsString>, write: Option<OsString>) -> Self {
        let root = root.to_owned();
        Self { root, watch, write, first: PLACES, place: PLACES, tried: None, again_after: AGAIN_AFTER }
    }

    /// The first that works.
    pub(crate) fn first(&mut self) -> Found {
        let found = self.find(0..PLACES);
        (self.first, self.place) = (found.place, found.place);
        found
    }

    /// The next that works, when the one in use has been lost.
    pub(crate) fn next(&mut self) -> Found {
        let found = self.find((self.place + 1).min(PLACES)..PLACES);
        self.place = found.place;
        self.tried = Some(Instant::now());
        found
    }

    /// One in front of the one in use, if one was lost and works again. It is looked for only if the last time is long ago.
    pub(crate) fn again(&mut self) -> Option<Found> {
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

    /// The first that works, of these places in the order.
    fn find(&self, places: Range<usize>) -> Found {
        let mut found = Found::nothing();
        if let Some(path) = &self.watch {
            // The protocol has `/dev/null`; systemd's own clients take an empty value for the same.
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

/// Where `memory.pressure` of this process's cgroup may be below `mount`, if it has one of version 2.
fn cgroup_file(root: &Path, mount: &str) -> Option<PathBuf> {
    let cgroups = fs::read(root.join("proc/self/cgroup")).unwrap_or_default();
    let cgroup = parse_cgroup(&cgroups).and_then(|cgroup| cgroup.strip_prefix(b"/"))?;
    Some(root.join(mount).join(OsStr::from_bytes(cgroup)).join("memory.pressure"))
}

/// The path in the line of version 2, which has the number 0 and no controllers: `0::/path`.
fn parse_cgroup(cgroups: &[u8]) -> Option<&[u8]> {
    cgroups.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"0::"))
}

/// Opens what the environment names.
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
fn open_kernel_file(place: &Place, trigger: &[u8]) -> io::Result<Watch> {
    let file = place.open_pressure_file(true)?;
    write_at_once(&file, trigger)?;
    Ok(Watch::new(file, libc::POLLPRI))
}

/// What a path has led to (invariant 2): opened as a place, and neither for reading nor for writing.
struct Place<'a> {
    path: &'a Path,
    place: File,
    stat: Metadata,
}

impl<'a> Place<'a> {
    fn at(path: &'a Path) -> io::Result<Self> {
        // std asks for one of the two accesses; with `O_PATH` the kernel ignores it. std sets `O_CLOEXEC`.
        let place = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW).open(path)?;
        let stat = place.metadata()?;
        Ok(Self { path, place, stat })
    }

    /// Which of `S_IFMT` it is.
    fn kind(&self) -> libc::mode_t {
        self.stat.mode() as libc::mode_t & libc::S_IFMT
    }

    /// Another name of this place, which leads nowhere else.
    fn name(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.place.as_raw_fd()))
    }

    /// Opens it for reading, and for writing too if it is said.
    fn open(&self, write: bool) -> io::Result<File> {
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
    fn open_pressure_file(&self, write: bool) -> io::Result<File> {
        // Asked of the place: to open any other file of the kernel may do things.
        if !is_of_kernel(&self.place)? {
            return Err(io::Error::other("not a file of the kernel: neither in procfs nor in a cgroup file system"));
        }
        let file = self.open(write)?;
        let mut start = [0; 5];
        let read = file.read_at(&mut start, 0)?;
        // What is written to another one may end a process or the machine.
        if ![&b"some "[..], b"full "].contains(&&start[..read]) {
            return Err(io::Error::other("a file of the kernel that does not tell pressure"));
        }
        Ok(file)
    }

    fn connect(&self) -> io::Result<File> {
        let socket = match connect(&self.name()) {
            // There is no procfs here. A path that leads to another socket by now has a message sent, and nothing overwritten.
            Err(error) if error.kind() == ErrorKind::NotFound => connect(self.path)?,
            connected => connected?,
        };
        socket.set_nonblocking(true)?;
        Ok(File::from(OwnedFd::from(socket)))
    }
}

/// A connection to a socket, which has to take it within [`ACCEPTED_WITHIN`]. std waits for ever while the socket's queue is full.
fn connect(path: &Path) -> io::Result<UnixStream> {
    let path = path.as_os_str().as_bytes();
    // SAFETY: the structure is made of integers, for which zero is a value.
    let mut address: libc::sockaddr_un = unsafe { mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    // A zero stays behind the path.
    if path.len() >= address.sun_path.len() {
        return Err(io::Error::from(ErrorKind::InvalidInput));
    }
    address.sun_path.iter_mut().zip(path).for_each(|(place, &byte)| *place = byte as libc::c_char);
    // SAFETY: no precondition.
    let socket = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was opened just now.
    let socket = UnixStream::from(unsafe { OwnedFd::from_raw_fd(socket) });
    // The time within which a `connect` is answered, too.
    socket.set_write_timeout(Some(ACCEPTED_WITHIN))?;
    let start = Instant::now();
    loop {
        let size = size_of_val(&address) as libc::socklen_t;
        // SAFETY: the pointer is to an address of that size.
        if unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), size) } == 0 {
            return Ok(socket);
        }
        match io::Error::last_os_error() {
            error if error.kind() == ErrorKind::Interrupted && start.elapsed() < ACCEPTED_WITHIN => {}
            error if error.kind() == ErrorKind::WouldBlock => {
                return Err(io::Error::new(ErrorKind::TimedOut, "the socket does not accept the connection"));
            }
            error => return Err(error),
        }
    }
}

/// In one piece: the kernel takes each write for a trigger of its own.
fn write_at_once(mut file: &File, data: &[u8]) -> io::Result<()> {
    if data.is_empty() {
        return Ok(());
    }
    let mut written = send(file, data);
    if written.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::ENOTSOCK)) {
        written = file.write(data);
    }
    if written? == data.len() { Ok(()) } else { Err(ErrorKind::WriteZero.into()) }
}

/// Writes to a socket. If the other end is gone, to write would raise SIGPIPE, which ends a program that does not ignore it as those
/// in Rust do.
fn send(socket: &File, data: &[u8]) -> io::Result<usize> {
    // SAFETY: the descriptor is open while `socket` lives, and the pointer is to as many bytes as is said.
    let sent = unsafe { libc::send(socket.as_raw_fd(), data.as_ptr().cast(), data.len(), libc::MSG_NOSIGNAL) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Whether a file lies in procfs or in a cgroup file system of version 2.
fn is_of_kernel(file: &File) -> io::Result<bool> {
    // SAFETY: the structure is made of integers, for which zero is a value.
    let mut stat: libc::statfs = unsafe { mem::zeroed() };
    // SAFETY: the descriptor is open while `file` lives, and the pointer is to a structure of ours.
    if unsafe { libc::fstatfs(file.as_raw_fd(), &mut stat) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok([libc::PROC_SUPER_MAGIC, libc::CGROUP2_SUPER_MAGIC].iter().any(|&magic| stat.f_type == magic as _))
}

/// Decodes Base64 (RFC 4648, section 4), padding included. `None` if it is not that.
fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
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

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;
    use crate::collector::Wake;
    use core::ptr;
    use core::sync::atomic::AtomicBool;
    use core::sync::atomic::Ordering::Relaxed;
    use std::cell::RefCell;
    use std::ffi::CString;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::time::{Duration, Instant};

    const PSI: &str = "/proc/pressure/memory";

    /// A folder that is removed with this, and looks like `/` where a test puts something.
    struct Root(PathBuf, RefCell<Vec<CString>>);

    impl Root {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("pool-pressure-{}-{name}", std::process::id()));
            fs::create_dir_all(path.join("proc/self")).unwrap();
            Self(path, RefCell::default())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        /// The kernel's file under another name, since only that takes a trigger. The test has mounts of its own.
        fn psi(&self, name: &str) -> PathBuf {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            let (psi, at) = (CString::new(PSI).unwrap(), c_path(&path));
            // SAFETY: two strings with a zero at their ends; the others are not looked at.
            let error = unsafe { libc::mount(psi.as_ptr(), at.as_ptr(), ptr::null(), libc::MS_BIND, ptr::null()) };
            assert_eq!(error, 0, "mount: {}", io::Error::last_os_error());
            self.1.borrow_mut().push(at);
            path
        }

        fn fifo(&self, name: &str) -> PathBuf {
            let path = self.path(name);
            // SAFETY: a string with a zero at its end.
            assert_eq!(unsafe { libc::mkfifo(c_path(&path).as_ptr(), 0o600) }, 0);
            path
        }

        fn find(&self, watch: Option<&Path>, write: Option<&str>) -> Found {
            self.sources(watch, write).first()
        }

        fn sources(&self, watch: Option<&Path>, write: Option<&str>) -> Sources {
            Sources::below(&self.0, watch.map(Into::into), write.map(Into::into))
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            for mount in self.1.take() {
                // SAFETY: a string with a zero at its end.
                assert_eq!(unsafe { libc::umount2(mount.as_ptr(), libc::MNT_DETACH) }, 0);
            }
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn c_path(path: &Path) -> CString {
        CString::new(path.as_os_str().as_bytes()).unwrap()
    }

    /// Whether this thread can have mounts of its own, which it then has.
    fn has_mounts() -> bool {
        // SAFETY: no precondition.
        if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
            eprintln!("not tested: mounts of its own: {}", io::Error::last_os_error());
            return false;
        }
        let (root, private) = (c_path(Path::new("/")), libc::MS_REC | libc::MS_PRIVATE);
        // SAFETY: a string with a zero at its end; the others are not looked at.
        assert_eq!(unsafe { libc::mount(ptr::null(), root.as_ptr(), ptr::null(), private, ptr::null()) }, 0);
        true
    }

    /// Whether the kernel tells pressure, and lets this process set triggers. Where it does not, a part is not tested.
    fn has_psi() -> bool {
        let opened = Place::at(Path::new(PSI)).and_then(|place| open_kernel_file(&place, TRIGGER));
        if let Err(error) = &opened {
            eprintln!("not tested: {PSI}: {error}");
        }
        opened.is_ok()
    }

    fn errors(found: &Found) -> Vec<String> {
        found.errors.iter().map(ToString::to_string).collect()
    }

    /// A sleeper with windows that are shorter than two of [`assert_wakes`]'s deadlines.
    fn watching(watch: Option<Watch>) -> (Alarm, Sleeper) {
        let (alarm, mut sleeper) = sleeper().unwrap();
        sleeper.window = Duration::from_millis(30);
        sleeper.watch(watch);
        (alarm, sleeper)
    }

    #[track_caller]
    fn assert_wakes(sleeper: &mut Sleeper, expected: &str) {
        let deadline = Instant::now() + Duration::from_millis(if expected == "deadline" { 20 } else { 60_000 });
        let woken = match sleeper.sleep(Some(deadline)) {
            Wake::Deadline => "deadline".to_owned(),
            Wake::Alarm => "alarm".to_owned(),
            Wake::Pressure => "pressure".to_owned(),
            Wake::Lost(error) => format!("lost: {error}"),
            Wake::Broken(error) => format!("broken: {error}"),
        };
        assert_eq!(woken, expected);
        assert!(expected != "deadline" || Instant::now() >= deadline, "woke up early");
    }

    #[test]
    fn base64_is_what_rfc_4648_says() {
        // Its section 10.
        for (text, data) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(decode_base64(text.as_bytes()).as_deref(), Some(data.as_bytes()), "{text}");
        }
        assert_eq!(decode_base64(b"AAEC+/8A").as_deref(), Some(&[0, 1, 2, 0xfb, 0xff, 0][..]));
        for text in ["Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9 ", "Zm-_", "Zm9v\n"] {
            assert_eq!(decode_base64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_cgroup_is_that_of_version_2() {
        assert_eq!(parse_cgroup(b"0::/user.slice/x.service\n"), Some(&b"/user.slice/x.service"[..]));
        assert_eq!(parse_cgroup(b"9:name=systemd:/a\n4:memory:/b\n0::/c\n"), Some(&b"/c"[..]));
        assert_eq!(parse_cgroup(b"10::/a\n4:memory:/b\n"), None);
        assert_eq!(parse_cgroup(b""), None);
    }

    #[test]
    fn sources_are_tried_in_order() {
        if !has_psi() || !has_mounts() {
            return;
        }
        let root = Root::new("order");
        assert_eq!(root.find(None, None).source, PressureSource::None);
        root.psi("proc/pressure/memory");
        assert_eq!(root.find(None, None).source, PressureSource::Machine);
        // Beside version 1, then alone.
        fs::write(root.path("proc/self/cgroup"), "4:memory:/b\n0::/a/b\n").unwrap();
        assert_eq!(root.find(None, None).source, PressureSource::Machine);
        let cgroup = root.psi("sys/fs/cgroup/unified/a/b/memory.pressure");
        assert_eq!(root.find(None, None).source, PressureSource::Cgroup(cgroup));
        let cgroup = root.psi("sys/fs/cgroup/a/b/memory.pressure");
        assert_eq!(root.find(None, None).source, PressureSource::Cgroup(cgroup));
        let asked = root.psi("asked");
        let found = root.find(Some(&asked), Some("c29tZSAyMDAwMDAgMjAwMDAwMAA="));
        assert_eq!(found.source, PressureSource::Environment(asked));
        assert!(found.watch.is_some() && found.errors.is_empty());
        // Off means off.
        for off in ["", "/dev/null"] {
            let found = root.find(Some(Path::new(off)), Some("not looked at"));
            assert_eq!((found.source, found.errors.len()), (PressureSource::None, 0));
            assert!(found.watch.is_none());
        }
    }

    #[test]
    fn a_cgroup_that_refuses_is_reported_and_the_next_is_used() {
        let root = Root::new("refused");
        fs::write(root.path("proc/self/cgroup"), "0::/a\n").unwrap();
        fs::create_dir_all(root.path("sys/fs/cgroup/a")).unwrap();
        let cgroup = root.path("sys/fs/cgroup/a/memory.pressure");
        fs::write(&cgroup, "some").unwrap();
        let found = root.find(None, None);
        assert_eq!(found.source, PressureSource::None);
        let expected =
            format!("`{}`: not a file of the kernel: neither in procfs nor in a cgroup file system", cgroup.display());
        assert_eq!(errors(&found), [expected.as_str()]);
        if has_psi() && has_mounts() {
            root.psi("proc/pressure/memory");
            let found = root.find(None, None);
            assert_eq!((&found.source, errors(&found)), (&PressureSource::Machine, vec![expected]));
            assert!(found.watch.is_some());
        }
    }

    #[test]
    fn what_the_environment_gets_wrong_is_reported() {
        let root = Root::new("wrong");
        let plain = root.path("plain");
        fs::write(&plain, "precious").unwrap();
        let fifo = root.fifo("fifo");
        let missing = root.path("missing");
        let trigger = Some("c29tZSAyMDAwMDAgMjAwMDAwMAA=");
        let in_variable = ", in the environment variable MEMORY_PRESSURE_WATCH";
        let for_variable = ", for the environment variable MEMORY_PRESSURE_WRITE";
        let link = root.path("link");
        symlink(&fifo, &link).unwrap();
        let oom_score = fs::read("/proc/self/oom_score_adj").unwrap();
        for (watch, write, expected) in [
            (Path::new("relative"), trigger, format!("`relative`: not an absolute path{in_variable}")),
            (
                &missing,
                trigger,
                format!("`{}`: No such file or directory (os error 2){in_variable}", missing.display()),
            ),
            (
                &plain,
                trigger,
                format!(
                    "`{}`: not a file of the kernel: neither in procfs nor in a cgroup file system{in_variable}",
                    plain.display()
                ),
            ),
            (
                Path::new("/dev/zero"),
                trigger,
                format!("`/dev/zero`: neither a file of the kernel, nor a FIFO, nor a socket{in_variable}"),
            ),
            (
                &root.0,
                trigger,
                format!("`{}`: neither a file of the kernel, nor a FIFO, nor a socket{in_variable}", root.0.display()),
            ),
            (&fifo, Some("c29t!"), format!("`{}`: no Base64{for_variable}", fifo.display())),
            (
                &link,
                None,
                format!("`{}`: a symbolic link, so write the path that it leads to{in_variable}", link.display()),
            ),
            (
                Path::new("/proc/self/oom_score_adj"),
                Some("MTAwMA=="),
                format!("`/proc/self/oom_score_adj`: a file of the kernel that does not tell pressure{in_variable}"),
            ),
            (
                Path::new("/proc/self/status"),
                None,
                format!("`/proc/self/status`: a file of the kernel that does not tell pressure{in_variable}"),
            ),
        ] {
            let found = root.find(Some(watch), write);
            assert_eq!(errors(&found), [expected]);
            assert_eq!(found.source, PressureSource::None);
        }
        assert_eq!(fs::read(&plain).unwrap(), b"precious", "invariant 1");
        assert_eq!(fs::read("/proc/self/oom_score_adj").unwrap(), oom_score, "invariant 1");
    }

    /// MEMORY_PRESSURE_WRITE was 90,000 bytes long, and quoted.
    #[test]
    fn an_error_quotes_no_more_than_one_can_read() {
        let long = "x".repeat(90_000);
        let found = Root::new("long").find(Some(Path::new(&format!("/{long}"))), Some(&long));
        let found = [found, Root::new("longer").find(Some(Path::new(&format!("/{long}"))), None)];
        for error in found.iter().flat_map(errors) {
            assert!(error.len() < 400, "{} bytes", error.len());
        }
    }

    /// OpenRC#195, nzbget#798: a path that was looked at led elsewhere when it was opened.
    #[test]
    fn a_path_that_changes_has_no_file_overwritten() {
        let root = Root::new("swap");
        let (watch, other) = (root.fifo("watch"), root.path("other"));
        let content = "a file of the user's";
        fs::write(&other, content).unwrap();
        let (one, two) = (c_path(&watch), c_path(&other));
        let (ended, until) = (&AtomicBool::new(false), Instant::now() + Duration::from_secs(1));
        let found = std::thread::scope(|scope| {
            scope.spawn(move || {
                while !ended.load(Relaxed) {
                    let (here, exchange) = (libc::AT_FDCWD, libc::RENAME_EXCHANGE);
                    // SAFETY: two strings with a zero at their ends.
                    let error =
                        unsafe { libc::syscall(libc::SYS_renameat2, here, one.as_ptr(), here, two.as_ptr(), exchange) };
                    assert_eq!(error, 0, "{}", io::Error::last_os_error());
                }
            });
            let mut found = [0; 2];
            while Instant::now() < until {
                // "overwritten"
                let sources = root.find(Some(&watch), Some("b3ZlcndyaXR0ZW4="));
                found[usize::from(sources.source == PressureSource::None)] += 1;
            }
            ended.store(true, Relaxed);
            found
        });
        let files = [&watch, &other].map(|path| fs::symlink_metadata(path).unwrap().is_file().then_some(path));
        let file = files.into_iter().flatten().next().unwrap();
        assert_eq!(fs::read_to_string(file).unwrap(), content);
        assert!(found[0] > 0 && found[1] > 0, "{found:?} starts have seen the one and the other");
    }

    /// A program that is started does not have them, and nothing waits.
    #[test]
    fn descriptors_are_closed_on_exec_and_do_not_block() {
        let root = Root::new("flags");
        let socket = root.path("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        let sources = [root.fifo("fifo"), socket, PathBuf::from(PSI)].map(|path| root.find(Some(&path), None));
        for found in sources {
            let file = found.watch.map(|watch| watch.file).unwrap_or_else(|| panic!("{:?}", found.errors));
            // SAFETY: the descriptor is open; neither command has an argument.
            let flags = [libc::F_GETFD, libc::F_GETFL].map(|command| unsafe { libc::fcntl(file.as_raw_fd(), command) });
            assert_eq!(
                (flags[0] & libc::FD_CLOEXEC, flags[1] & libc::O_NONBLOCK),
                (libc::FD_CLOEXEC, libc::O_NONBLOCK)
            );
        }
    }

    /// Programs that are not written in Rust do not ignore it.
    #[test]
    fn an_end_that_is_gone_raises_no_signal() {
        static RAISED: AtomicBool = AtomicBool::new(false);
        extern "C" fn note(_: libc::c_int) {
            RAISED.store(true, Relaxed);
        }
        // SAFETY: the handler stores to an atomic, and does nothing else.
        let before = unsafe { libc::signal(libc::SIGPIPE, note as *const () as libc::sighandler_t) };
        let (one, other) = UnixStream::pair().unwrap();
        drop(other);
        let error = write_at_once(&File::from(OwnedFd::from(one)), b"hello").unwrap_err();
        // SAFETY: as it was before.
        unsafe { libc::signal(libc::SIGPIPE, before) };
        assert_eq!((error.kind(), RAISED.load(Relaxed)), (ErrorKind::BrokenPipe, false));
    }

    /// Longer than the kernel's structure for addresses.
    #[test]
    fn a_socket_may_have_a_long_path() {
        let root = Root::new("address");
        let path = root.path(&"x".repeat(100)).join("socket");
        fs::create_dir(path.parent().unwrap()).unwrap();
        let short = root.path("socket");
        let listener = UnixListener::bind(&short).unwrap();
        fs::rename(short, &path).unwrap();
        let found = root.find(Some(&path), Some("aGVsbG8="));
        assert_eq!((&found.source, errors(&found)), (&PressureSource::Environment(path), vec![]));
        let mut buffer = [0; 10];
        assert_eq!(listener.accept().unwrap().0.read(&mut buffer).unwrap(), 5);
    }

    #[test]
    fn a_trigger_that_the_kernel_refuses_is_reported() {
        if !has_psi() {
            return;
        }
        let root = Root::new("trigger");
        // `some 1 1`
        let found = root.find(Some(Path::new(PSI)), Some("c29tZSAxIDE="));
        let expected =
            format!("`{PSI}`: Invalid argument (os error 22), for the environment variable MEMORY_PRESSURE_WRITE");
        assert_eq!(errors(&found), [expected]);
        // None at all: the kernel says so when it is asked to wait.
        let found = root.find(Some(Path::new(PSI)), None);
        let (_alarm, mut sleeper) = watching(found.watch);
        assert_wakes(&mut sleeper, "lost: the source is gone, or has no trigger");
        assert_wakes(&mut sleeper, "deadline");
    }

    #[test]
    fn each_write_to_a_fifo_is_pressure() {
        let root = Root::new("fifo");
        let path = root.fifo("fifo");
        let found = root.find(Some(&path), None);
        assert_eq!((&found.source, found.errors.len()), (&PressureSource::Environment(path.clone()), 0));
        let (_alarm, mut sleeper) = watching(found.watch);
        assert_wakes(&mut sleeper, "deadline");
        for _ in 0..3 {
            // Opened and closed again: its end is no event.
            fs::write(&path, [b'x'; 10_000]).unwrap();
            assert_wakes(&mut sleeper, "pressure");
            (0..2).for_each(|_| assert_wakes(&mut sleeper, "deadline"));
        }
    }

    /// The thread read its own 20 bytes back, took them for pressure, and the manager never saw them.
    #[test]
    fn what_is_written_to_a_fifo_is_left_for_its_manager() {
        let root = Root::new("written");
        let path = root.fifo("fifo");
        // The manager's end. What it reads is all that is in the FIFO.
        let mut manager = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&path).unwrap();
        let mut buffer = [0; 20];
        let mut read = || manager.read(&mut buffer).map(|bytes| String::from_utf8_lossy(&buffer[..bytes]).into_owned());
        let report = || fs::write(&path, "!").unwrap();
        let find = || watching(root.find(Some(&path), Some("aGVsbG8=")).watch);

        // Read after a while, and from then on each report is pressure.
        let (_alarm, mut sleeper) = find();
        (0..4).for_each(|_| assert_wakes(&mut sleeper, "deadline"));
        assert_eq!(read().unwrap(), "hello");
        (0..3).for_each(|_| assert_wakes(&mut sleeper, "deadline"));
        for _ in 0..2 {
            report();
            assert_wakes(&mut sleeper, "pressure");
            (0..2).for_each(|_| assert_wakes(&mut sleeper, "deadline"));
        }
        assert_eq!(read().unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(sleeper);

        // Not read: a report that comes behind it is pressure all the same.
        let (_alarm, mut sleeper) = find();
        assert_wakes(&mut sleeper, "deadline");
        report();
        assert_wakes(&mut sleeper, "pressure");
        assert_eq!(read().unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(sleeper);

        // Never read: after some windows it is gone, and was no pressure.
        let (_alarm, mut sleeper) = find();
        (0..15).for_each(|_| assert_wakes(&mut sleeper, "deadline"));
        assert_eq!(read().unwrap_err().kind(), ErrorKind::WouldBlock);
        report();
        assert_wakes(&mut sleeper, "pressure");
    }

    /// Three messages within 70 ms were low, medium and critical pressure.
    #[test]
    fn reports_within_one_window_are_one() {
        let root = Root::new("window");
        let path = root.fifo("fifo");
        let (_alarm, mut sleeper) = watching(root.find(Some(&path), None).watch);
        sleeper.window = Duration::from_millis(500);
        fs::write(&path, "!").unwrap();
        assert_wakes(&mut sleeper, "pressure");
        for _ in 0..3 {
            fs::write(&path, "!").unwrap();
            assert_wakes(&mut sleeper, "deadline");
        }
        let until = Instant::now() + Duration::from_millis(600);
        assert!(matches!(sleeper.sleep(Some(until)), Wake::Deadline));
        // The next is of the next window.
        fs::write(&path, "!").unwrap();
        assert_wakes(&mut sleeper, "pressure");
    }

    /// It took half a CPU.
    #[test]
    fn a_flood_costs_next_to_nothing() {
        /// CPU time of this thread.
        fn used() -> Duration {
            // SAFETY: the structure is made of integers, for which zero is a value.
            let mut time: libc::timespec = unsafe { mem::zeroed() };
            // SAFETY: the pointer is to a time of ours.
            unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
            Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
        }

        let root = Root::new("flood");
        let path = root.path("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let found = root.find(Some(&path), None);
        let (mut peer, _) = listener.accept().unwrap();
        let (alarm, mut sleeper) = watching(found.watch);
        sleeper.window = Duration::from_millis(200);
        std::thread::scope(|scope| {
            scope.spawn(move || while peer.write_all(b"!").is_ok() {});
            let (start, before) = (Instant::now(), used());
            let until = start + Duration::from_secs(2);
            let mut reports = 0;
            while let Wake::Pressure = sleeper.sleep(Some(until)) {
                reports += 1;
            }
            let (elapsed, used) = (start.elapsed(), used() - before);
            println!("{reports} reports, {used:?} of CPU in {elapsed:?}");
            assert!((1..=11).contains(&reports), "{reports} reports in {elapsed:?}");
            assert!(used < elapsed / 10, "{used:?} of CPU in {elapsed:?}");
            // The alarm is not part of it.
            alarm.ring();
            assert_wakes(&mut sleeper, "alarm");
            drop(sleeper);
        });
    }

    /// It waited for ever.
    #[test]
    fn a_socket_that_accepts_nobody_is_reported() {
        let root = Root::new("backlog");
        let path = root.path("socket");
        let listener = UnixListener::bind(&path).unwrap();
        // SAFETY: the descriptor is open. A queue for one.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
        let first = root.find(Some(&path), None);
        assert!(first.watch.is_some());
        let start = Instant::now();
        let found = root.find(Some(&path), None);
        let expected = format!(
            "`{}`: the socket does not accept the connection, in the environment variable MEMORY_PRESSURE_WATCH",
            path.display()
        );
        assert_eq!(errors(&found), [expected]);
        assert!((ACCEPTED_WITHIN..4 * ACCEPTED_WITHIN).contains(&start.elapsed()), "{:?}", start.elapsed());
    }

    #[test]
    fn a_source_that_is_lost_is_replaced_and_tried_again() {
        let root = Root::new("again");
        let path = root.path("socket");
        let listener = UnixListener::bind(&path).unwrap();
        if has_psi() && has_mounts() {
            root.psi("proc/pressure/memory");
        }
        let last = root.find(None, None).source;
        let mut sources = root.sources(Some(&path), None);
        let found = sources.first();
        assert_eq!(found.source, PressureSource::Environment(path.clone()));
        assert!(sources.again().is_none(), "nothing was lost");

        let (_alarm, mut sleeper) = watching(found.watch);
        drop(listener);
        assert_wakes(&mut sleeper, "lost: Connection reset by peer (os error 104)");
        assert_eq!(sources.next().source, last);
        sources.again_after = Duration::ZERO;
        assert!(sources.again().is_none(), "it refuses the connection");
        fs::remove_file(&path).unwrap();
        let _listener = UnixListener::bind(&path).unwrap();
        sources.again_after = Duration::from_secs(60);
        assert!(sources.again().is_none(), "it was tried just now");
        sources.again_after = Duration::ZERO;
        let found = sources.again().unwrap();
        assert_eq!((&found.source, errors(&found)), (&PressureSource::Environment(path), vec![]));
        assert!(sources.again().is_none(), "there is none in front of it");
        // What could never be had is not tried again.
        let mut sources = root.sources(Some(Path::new("/missing")), None);
        assert_eq!(sources.first().source, last);
        sources.again_after = Duration::ZERO;
        let _ = sources.next();
        assert!(sources.again().is_none_or(|found| found.source == last));
    }

    #[test]
    fn each_message_of_a_socket_is_pressure_until_it_is_closed() {
        let root = Root::new("socket");
        let path = root.path("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let found = root.find(Some(&path), Some("AGhlbGxvAA=="));
        assert_eq!((&found.source, found.errors.len()), (&PressureSource::Environment(path), 0));
        let (mut peer, _) = listener.accept().unwrap();
        let mut buffer = [0; 20];
        assert_eq!(peer.read(&mut buffer).unwrap(), 7);
        assert_eq!(&buffer[..7], b"\0hello\0");

        let (_alarm, mut sleeper) = watching(found.watch);
        assert_wakes(&mut sleeper, "deadline");
        for _ in 0..2 {
            peer.write_all(b"short of memory").unwrap();
            assert_wakes(&mut sleeper, "pressure");
            (0..2).for_each(|_| assert_wakes(&mut sleeper, "deadline"));
        }
        peer.write_all(b"last").unwrap();
        drop(peer);
        assert_wakes(&mut sleeper, "pressure");
        assert_wakes(&mut sleeper, "lost: closed by the other end");
        assert_wakes(&mut sleeper, "deadline");
    }

    #[test]
    fn the_alarm_ends_every_sleep() {
        let (alarm, mut sleeper) = watching(None);
        assert_wakes(&mut sleeper, "deadline");
        let thread = std::thread::spawn(move || {
            for deadline in [None, Instant::now().checked_add(Duration::from_secs(u64::MAX / 4))] {
                assert!(matches!(sleeper.sleep(deadline), Wake::Alarm));
            }
            sleeper
        });
        alarm.ring();
        assert_wakes(&mut thread.join().unwrap(), "alarm");
    }
}
