//! The ends of a sleep, and their reasons.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixListener;

use super::*;
use crate::collector::PressureSource;

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
    // No trigger at all: the kernel says so when the thread asks to wait.
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
        // Opened and closed again: the close is no event.
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
    // The manager's end. A read returns all that is in the FIFO.
    let mut manager = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&path).unwrap();
    let mut buffer = [0; 20];
    let mut read = || manager.read(&mut buffer).map(|bytes| String::from_utf8_lossy(&buffer[..bytes]).into_owned());
    let report = || fs::write(&path, "!").unwrap();
    let find = || watching(root.find(Some(&path), Some("aGVsbG8=")).watch);

    // The manager reads after a while, and from then on each report is pressure.
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

    // The manager does not read: a report that comes behind the data is pressure all the same.
    let (_alarm, mut sleeper) = find();
    assert_wakes(&mut sleeper, "deadline");
    report();
    assert_wakes(&mut sleeper, "pressure");
    assert_eq!(read().unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(sleeper);

    // The manager never reads: after some windows the data is gone, and was no pressure.
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
    // The next report is of the next window.
    fs::write(&path, "!").unwrap();
    assert_wakes(&mut sleeper, "pressure");
}

/// The flood took half a CPU.
#[test]
fn a_flood_costs_next_to_nothing() {
    let root = Root::new("flood");
    let path = root.path("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let found = root.find(Some(&path), None);
    let (mut peer, _) = listener.accept().unwrap();
    let (alarm, mut sleeper) = watching(found.watch);
    sleeper.window = Duration::from_millis(200);
    std::thread::scope(|scope| {
        scope.spawn(move || while peer.write_all(b"!").is_ok() {});
        let (start, before) = (Instant::now(), system::cpu_time());
        let until = start + Duration::from_secs(2);
        let mut reports = 0;
        while let Wake::Pressure = sleeper.sleep(Some(until)) {
            reports += 1;
        }
        let (elapsed, used) = (start.elapsed(), system::cpu_time() - before);
        println!("{reports} reports, {used:?} of CPU in {elapsed:?}");
        assert!((1..=11).contains(&reports), "{reports} reports in {elapsed:?}");
        assert!(used < elapsed / 10, "{used:?} of CPU in {elapsed:?}");
        // A flood does not delay the alarm.
        alarm.ring();
        assert_wakes(&mut sleeper, "alarm");
        drop(sleeper);
    });
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
