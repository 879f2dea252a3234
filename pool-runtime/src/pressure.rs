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
//! is wrong with the environment variables.
//!
//! # Invariants
//!
//! 1. Data from the environment is written to a FIFO, to a socket, or to a file of the kernel's procfs or cgroup file
//!    system, and to nothing else; and the environment is not looked at where the program runs with more rights than its user
//!    has (`AT_SECURE`). Else the environment could have a file overwritten.

mod sleeper;

use core::mem;
use std::env;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

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

/// What came of the search for a source.
pub(crate) struct Found {
    pub(crate) source: PressureSource,
    pub(crate) watch: Option<Watch>,
    pub(crate) errors: Vec<PressureError>,
}

impl Found {
    /// Nothing is looked for.
    pub(crate) fn nothing() -> Self {
        Self { source: PressureSource::None, watch: None, errors: Vec::new() }
    }
}

/// Finds the first source that works.
pub(crate) fn find() -> Found {
    // SAFETY: no precondition.
    let trusted = unsafe { libc::getauxval(libc::AT_SECURE) } == 0;
    let variable = |name| if trusted { env::var_os(name) } else { None };
    find_below(Path::new("/"), variable(WATCH).as_deref(), variable(WRITE).as_deref())
}

/// [`find`], with the kernel's files below `root`, and these values of the environment variables.
fn find_below(root: &Path, watch: Option<&OsStr>, write: Option<&OsStr>) -> Found {
    let mut found = Found::nothing();
    if let Some(path) = watch {
        // The protocol has `/dev/null`; systemd's own clients take an empty value for the same.
        if path.is_empty() || path == "/dev/null" {
            return found;
        }
        let path = PathBuf::from(path);
        match open_asked_for(&path, write) {
            Ok(watch) => {
                found.watch = Some(watch);
                found.source = PressureSource::Environment(path);
                return found;
            }
            Err(error) => found.errors.push(error),
        }
    }
    let cgroup = cgroup_file(root).map(|path| (PressureSource::Cgroup(path.clone()), path));
    let machine = (PressureSource::Machine, root.join("proc/pressure/memory"));
    for (source, path) in cgroup.into_iter().chain([machine]) {
        match open_kernel_file(&path, TRIGGER) {
            Ok(watch) => {
                found.watch = Some(watch);
                found.source = source;
                break;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => found.errors.push(PressureError::new(&path, error)),
        }
    }
    found
}

/// `memory.pressure` of this process's cgroup, if there are cgroups of version 2.
fn cgroup_file(root: &Path) -> Option<PathBuf> {
    let cgroups = fs::read(root.join("proc/self/cgroup")).ok()?;
    let cgroup = Path::new(OsStr::from_bytes(parse_cgroup(&cgroups)?));
    let file = cgroup.strip_prefix("/").ok()?.join("memory.pressure");
    CGROUPS.iter().map(|mount| root.join(mount).join(&file)).find(|path| path.exists())
}

/// The path in the line of version 2, which has the number 0 and no controllers: `0::/path`.
fn parse_cgroup(cgroups: &[u8]) -> Option<&[u8]> {
    cgroups.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"0::"))
}

/// Opens what the environment names.
fn open_asked_for(path: &Path, write: Option<&OsStr>) -> Result<Watch, PressureError> {
    let wrong = |what: &str| PressureError::new(path, format!("{what}, in the environment variable {WATCH}"));
    if !path.is_absolute() {
        return Err(wrong("not an absolute path"));
    }
    let data = match write {
        None => Vec::new(),
        Some(text) => decode_base64(text.as_bytes()).ok_or_else(|| {
            let text = text.to_string_lossy();
            PressureError::new(path, format!("the environment variable {WRITE} is not Base64: `{text}`"))
        })?,
    };
    // Asked before it is opened: to open a device can do things.
    let kind = fs::metadata(path).map_err(|error| wrong(&error.to_string()))?.file_type();
    let opened = if kind.is_file() {
        open_kernel_file(path, &data)
    } else if kind.is_fifo() {
        open_fifo(path, &data)
    } else if kind.is_socket() {
        connect(path, &data)
    } else {
        return Err(wrong("neither a file of the kernel, nor a FIFO, nor a socket"));
    };
    opened.map_err(|error| wrong(&error.to_string()))
}

/// Opens a PSI file, and sets a trigger.
fn open_kernel_file(path: &Path, trigger: &[u8]) -> io::Result<Watch> {
    let file = OpenOptions::new().read(true).write(!trigger.is_empty()).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !is_of_kernel(&file)? {
        return Err(io::Error::other("not a file of the kernel: neither in procfs nor in a cgroup file system"));
    }
    write_at_once(&file, trigger)?;
    Ok(Watch { file, events: libc::POLLPRI })
}

/// For writing too, even if nothing is written: a FIFO that is open for writing nowhere is at its end.
fn open_fifo(path: &Path, data: &[u8]) -> io::Result<Watch> {
    let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    write_at_once(&file, data)?;
    Ok(Watch { file, events: libc::POLLIN })
}

fn connect(path: &Path, data: &[u8]) -> io::Result<Watch> {
    let socket = UnixStream::connect(path)?;
    socket.set_nonblocking(true)?;
    let file = File::from(OwnedFd::from(socket));
    write_at_once(&file, data)?;
    Ok(Watch { file, events: libc::POLLIN })
}

/// In one piece: the kernel takes each write for a trigger of its own.
fn write_at_once(mut file: &File, data: &[u8]) -> io::Result<()> {
    if data.is_empty() || file.write(data)? == data.len() {
        return Ok(());
    }
    Err(ErrorKind::WriteZero.into())
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
    use std::ffi::CString;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::time::{Duration, Instant};

    const PSI: &str = "/proc/pressure/memory";

    /// A folder that is removed with this, and looks like `/` where a test puts something.
    struct Root(PathBuf);

    impl Root {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("pool-pressure-{}-{name}", std::process::id()));
            fs::create_dir_all(path.join("proc/self")).unwrap();
            Self(path)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        /// A link to the kernel's file, since only that takes a trigger.
        fn psi(&self, name: &str) -> PathBuf {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(PSI, &path).unwrap();
            path
        }

        fn fifo(&self, name: &str) -> PathBuf {
            let path = self.path(name);
            let name = CString::new(path.as_os_str().as_bytes()).unwrap();
            // SAFETY: a string with a zero at its end.
            assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
            path
        }

        fn find(&self, watch: Option<&Path>, write: Option<&str>) -> Found {
            find_below(&self.0, watch.map(Path::as_os_str), write.map(OsStr::new))
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    /// Whether the kernel tells pressure, and lets this process set triggers. Where it does not, a part is not tested.
    fn has_psi() -> bool {
        let opened = open_kernel_file(Path::new(PSI), TRIGGER);
        if let Err(error) = &opened {
            eprintln!("not tested: {PSI}: {error}");
        }
        opened.is_ok()
    }

    fn errors(found: &Found) -> Vec<String> {
        found.errors.iter().map(ToString::to_string).collect()
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
        if !has_psi() {
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
        if has_psi() {
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
            (
                &fifo,
                Some("c29t!"),
                format!("`{}`: the environment variable MEMORY_PRESSURE_WRITE is not Base64: `c29t!`", fifo.display()),
            ),
        ] {
            let found = root.find(Some(watch), write);
            assert_eq!(errors(&found), [expected]);
            assert_eq!(found.source, PressureSource::None);
        }
        assert_eq!(fs::read(&plain).unwrap(), b"precious", "invariant 1");
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
            format!("`{PSI}`: Invalid argument (os error 22), in the environment variable MEMORY_PRESSURE_WATCH");
        assert_eq!(errors(&found), [expected]);
        // None at all: the kernel says so when it is asked to wait.
        let found = root.find(Some(Path::new(PSI)), None);
        let (_alarm, mut sleeper) = sleeper(found.watch).unwrap();
        assert_wakes(&mut sleeper, "lost: the source is gone, or has no trigger");
        assert_wakes(&mut sleeper, "deadline");
    }

    #[test]
    fn each_write_to_a_fifo_is_pressure() {
        let root = Root::new("fifo");
        let path = root.fifo("fifo");
        let found = root.find(Some(&path), None);
        assert_eq!((&found.source, found.errors.len()), (&PressureSource::Environment(path.clone()), 0));
        let (_alarm, mut sleeper) = sleeper(found.watch).unwrap();
        assert_wakes(&mut sleeper, "deadline");
        for _ in 0..3 {
            // Opened and closed again: its end is no event.
            fs::write(&path, [b'x'; 10_000]).unwrap();
            assert_wakes(&mut sleeper, "pressure");
            assert_wakes(&mut sleeper, "deadline");
        }
        // A FIFO has one end of each kind: what is written to it comes back.
        let found = root.find(Some(&path), Some("aGVsbG8="));
        let mut buffer = [0; 10];
        assert_eq!((&found.watch.unwrap().file).read(&mut buffer).unwrap(), 5);
        assert_eq!(&buffer[..5], b"hello");
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

        let (_alarm, mut sleeper) = sleeper(found.watch).unwrap();
        assert_wakes(&mut sleeper, "deadline");
        for _ in 0..2 {
            peer.write_all(b"short of memory").unwrap();
            assert_wakes(&mut sleeper, "pressure");
            assert_wakes(&mut sleeper, "deadline");
        }
        peer.write_all(b"last").unwrap();
        drop(peer);
        assert_wakes(&mut sleeper, "pressure");
        assert_wakes(&mut sleeper, "lost: closed by the other end");
        assert_wakes(&mut sleeper, "deadline");
    }

    #[test]
    fn the_alarm_ends_every_sleep() {
        let (alarm, mut sleeper) = sleeper(None).unwrap();
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
