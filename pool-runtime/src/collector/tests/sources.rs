//! The choice of a source, and the files that are opened for it.

use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};

use super::*;
use crate::collector::PressureSource;
use crate::collector::place::{ACCEPTED_WITHIN, write_at_once};
use crate::collector::pressure::{decode_base64, parse_cgroup};

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
    // The cgroup beside version 1, then alone.
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
        (&missing, trigger, format!("`{}`: No such file or directory (os error 2){in_variable}", missing.display())),
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
                system::exchange_names(&one, &two).unwrap();
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

/// A program that the process starts does not have the descriptors, and no read or write waits.
#[test]
fn descriptors_are_closed_on_exec_and_do_not_block() {
    let root = Root::new("flags");
    let socket = root.path("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let sources = [root.fifo("fifo"), socket, PathBuf::from(PSI)].map(|path| root.find(Some(&path), None));
    for found in sources {
        let file = found.watch.map(|watch| watch.file).unwrap_or_else(|| panic!("{:?}", found.errors));
        let flags = system::flags(file.as_fd());
        assert_eq!((flags[0] & libc::FD_CLOEXEC, flags[1] & libc::O_NONBLOCK), (libc::FD_CLOEXEC, libc::O_NONBLOCK));
    }
}

/// Programs that are not written in Rust do not ignore SIGPIPE.
#[test]
fn an_end_that_is_gone_raises_no_signal() {
    let (one, other) = UnixStream::pair().unwrap();
    drop(other);
    let one = File::from(OwnedFd::from(one));
    let (raised, result) = system::is_raised(libc::SIGPIPE, || write_at_once(&one, b"hello"));
    assert_eq!((result.unwrap_err().kind(), raised), (ErrorKind::BrokenPipe, false));
}

/// The path is longer than the kernel's structure for addresses.
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

/// The start waited for ever.
#[test]
fn a_socket_that_accepts_no_connection_is_reported() {
    let root = Root::new("backlog");
    let path = root.path("socket");
    let listener = UnixListener::bind(&path).unwrap();
    system::set_backlog(listener.as_fd(), 0).unwrap();
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
    // A source that never worked is not tried again.
    let mut sources = root.sources(Some(Path::new("/missing")), None);
    assert_eq!(sources.first().source, last);
    sources.again_after = Duration::ZERO;
    let _ = sources.next();
    assert!(sources.again().is_none_or(|found| found.source == last));
}
