//! The number of CPUs that the process may use, and their numbers (Linux).
//!
//! [`quota`] and [`numbers`] read files once, when the program is loaded. Later on the process asks the kernel for affinities
//! alone, which opens no file.

use core::ffi::{CStr, c_int};
use core::sync::atomic::AtomicUsize;
use std::fs::File;
use std::io::Read as _;

use crate::machine::affinity::{Cpus, WORD, WORDS};
use crate::machine::once::asked_once;
use crate::machine::system;

impl Cpus {
    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The largest number and one.
    fn end(&self) -> usize {
        let last = self.0.iter().rposition(|&word| word != 0);
        last.map_or(0, |last| (last + 1) * WORD - self.0[last].leading_zeros() as usize)
    }
}

/// The number of CPUs that the process may use now. If a thread is bound to fewer than the main thread, as in a server with a
/// thread for each CPU, the main thread's count; the quota bounds both. `None` if the system does not tell.
pub(super) fn usable() -> Option<usize> {
    let counts = [Cpus::of(0), Cpus::of_main_thread()].into_iter().flatten().map(|cpus| cpus.count());
    counts.max().map(|count| count.min(quota()))
}

/// The largest number that a CPU of this machine can have, and one; CPUs that are not there yet are included.
///
/// `/sys` says it. If `/sys` is hidden, it is the number of places that the kernel wants in a set of CPUs: 64 on all but
/// large machines. All CPUs that the process may run on have smaller numbers, whatever `/sys` says.
pub(super) fn numbers() -> usize {
    static NUMBERS: AtomicUsize = AtomicUsize::new(0);
    asked_once(&NUMBERS, || {
        let mut buffer = [0; 256];
        let possible = read(c"/sys/devices/system/cpu/possible", &mut buffer).and_then(parse_possible);
        let allowed = [Cpus::of(0), Cpus::of_main_thread()].into_iter().flatten().map(|cpus| cpus.end()).max();
        possible.unwrap_or_else(places).max(allowed.unwrap_or(1))
    })
}

/// The number of places that the kernel wants in a set of CPUs.
fn places() -> usize {
    let mut set = [0; WORDS];
    let words = (1..=WORDS).find(|&words| system::affinity(0, &mut set[..words]));
    words.unwrap_or(1) * WORD
}

/// The CPU time that the control groups of the process leave it, in CPUs, as it was when the program was loaded.
/// `usize::MAX` if they do not say.
pub(super) fn quota() -> usize {
    static QUOTA: AtomicUsize = AtomicUsize::new(0);
    asked_once(&QUOTA, || {
        let mut buffer = [0; 4096];
        let groups = read(c"/proc/self/cgroup", &mut buffer).unwrap_or_default();
        groups.lines().filter_map(Group::parse).map(|group| group.quota()).min().unwrap_or(usize::MAX).max(1)
    })
}

/// A control group that may limit the CPU time of the process: its path, and the mount of groups of its version.
#[derive(Debug, PartialEq)]
struct Group<'a> {
    mount: &'static str,
    path: &'a str,
}

impl<'a> Group<'a> {
    const VERSION_1: &'static str = "/sys/fs/cgroup/cpu";
    const VERSION_2: &'static str = "/sys/fs/cgroup";

    /// The group of a line in `/proc/self/cgroup`, as in `0::/a/b` (version 2) or `3:cpu,cpuacct:/a/b` (version 1).
    fn parse(line: &'a str) -> Option<Self> {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let mount = match (number, controllers) {
            ("0", "") => Self::VERSION_2,
            _ if controllers.split(',').any(|controller| controller == "cpu") => Self::VERSION_1,
            _ => return None,
        };
        path.starts_with('/').then(|| Self { mount, path: path.trim_end_matches('/') })
    }

    /// The least quota of the group and the groups above it.
    fn quota(&self) -> usize {
        let mut quota = usize::MAX;
        let mut path = self.path;
        loop {
            match self.quota_at(path) {
                Some(here) => quota = quota.min(here),
                None if self.mount == Self::VERSION_1 && path == self.path => return quota_as_std_finds_it(),
                None => {}
            }
            let Some((above, _)) = path.rsplit_once('/') else { return quota };
            path = above;
        }
    }

    /// `None` if the group does not say, as at the root of version 2.
    fn quota_at(&self, path: &str) -> Option<usize> {
        let (mut limit, mut period) = ([0; 64], [0; 64]);
        if self.mount == Self::VERSION_2 {
            let (limit, period) = read_in(self.mount, path, "cpu.max", &mut limit)?.trim().split_once(' ')?;
            return Some(parse_quota(limit, || Some(period)));
        }
        let limit = read_in(self.mount, path, "cpu.cfs_quota_us", &mut limit)?;
        Some(parse_quota(limit, || read_in(self.mount, path, "cpu.cfs_period_us", &mut period)))
    }
}

/// The quota if groups of version 1 are mounted elsewhere, as in containers of old: std looks for them among all mounts. Its count
/// is a quota if it is less than the number of CPUs that the thread may run on.
fn quota_as_std_finds_it() -> usize {
    let found = std::thread::available_parallelism().map_or(usize::MAX, usize::from);
    let allowed = Cpus::of(0).map_or(1, |cpus| cpus.count());
    if found < allowed { found } else { usize::MAX }
}

/// The quota of a limit and its period. No limit is `max` in version 2, and `-1` in version 1.
fn parse_quota<'a>(limit: &str, period: impl FnOnce() -> Option<&'a str>) -> usize {
    let Ok(limit) = limit.trim().parse::<usize>() else { return usize::MAX };
    let period = period().and_then(|period| period.trim().parse().ok());
    period.and_then(|period| limit.checked_div(period)).unwrap_or(usize::MAX)
}

/// The largest number in a list of ranges, as in `0-3,8-11`, and one.
fn parse_possible(list: &str) -> Option<usize> {
    list.trim().split([',', '-']).map(|number| number.parse::<usize>().ok()).max().flatten().map(|largest| largest + 1)
}

fn read_in<'a>(mount: &str, path: &str, name: &str, buffer: &'a mut [u8]) -> Option<&'a str> {
    let mut whole = [0; 4096];
    let mut end = 0;
    for part in [mount, path, "/", name] {
        // The last byte stays zero: it ends the string.
        whole[..4095].get_mut(end..end + part.len())?.copy_from_slice(part.as_bytes());
        end += part.len();
    }
    read(CStr::from_bytes_until_nul(&whole).ok()?, buffer)
}

/// The beginning of a file of the kernel's, as much as fits. Without the allocator, which may use a pool itself.
fn read<'a>(path: &CStr, buffer: &'a mut [u8]) -> Option<&'a str> {
    const FLAGS: c_int = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let len = File::from(system::open(path, FLAGS).ok()?).read(buffer).ok()?;
    core::str::from_utf8(&buffer[..len]).ok()
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_counts() {
        assert_eq!(parse_possible("0\n"), Some(1));
        assert_eq!(parse_possible("0-63\n"), Some(64));
        assert_eq!(parse_possible("0-3,8-11\n"), Some(12));
        assert_eq!(parse_possible(""), None);
        assert_eq!(parse_possible("none"), None);
    }

    #[test]
    fn a_set_tells_how_many_and_up_to_where() {
        for (cpus, end) in [
            (vec![], 0),
            (vec![0], 1),
            (vec![1], 2),
            (vec![0, 63], 64),
            (vec![2, 64, 1023], 1024),
            (vec![1024], 1025),
            (vec![8191], 8192),
        ] {
            let mut set = Cpus([0; WORDS]);
            cpus.iter().for_each(|cpu| set.0[cpu / WORD] |= 1 << (cpu % WORD));
            assert_eq!((set.count(), set.end()), (cpus.len(), end));
        }
    }

    /// Without `/sys`, a table covers each CPU that the process may be moved to.
    #[test]
    fn the_kernel_wants_a_place_for_each_number_that_a_cpu_can_have() {
        let places = places();
        assert!(places >= numbers() && places.is_multiple_of(WORD), "{places} places, {} numbers", numbers());
        assert!(numbers() >= Cpus::of(0).expect("Linux tells it").end());
    }

    #[test]
    fn a_group_is_that_of_version_2_or_the_one_for_the_cpu() {
        let group = |mount, path| Some(Group { mount, path });
        assert_eq!(Group::parse("0::/"), group("/sys/fs/cgroup", ""));
        assert_eq!(Group::parse("0::/a/b:c"), group("/sys/fs/cgroup", "/a/b:c"));
        assert_eq!(Group::parse("3:cpu:/a"), group("/sys/fs/cgroup/cpu", "/a"));
        assert_eq!(Group::parse("3:cpuacct,cpu:/a/"), group("/sys/fs/cgroup/cpu", "/a"));
        for other in ["2:cpuset:/a", "1:name=systemd:/a", "0::", "0::..", "", "0:"] {
            assert_eq!(Group::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_quota_is_in_whole_cpus() {
        let quota = |limit, period| parse_quota(limit, || Some(period));
        assert_eq!([quota("200000", "100000"), quota("199999\n", "100000\n"), quota("1000", "100000")], [2, 1, 0]);
        for (limit, period) in [("max", "100000"), ("-1\n", "100000\n"), ("1", "0"), ("", ""), ("1", "")] {
            assert_eq!(quota(limit, period), usize::MAX);
        }
        assert_eq!(parse_quota("-1", || panic!("a file more to read")), usize::MAX);
    }

    #[test]
    fn there_are_as_many_cpus_as_std_says() {
        let std = std::thread::available_parallelism().expect("Linux tells it").get();
        assert_eq!(usable(), Some(std));
        assert!(quota() > 0);
    }

    /// A server with a thread for each CPU counts no fewer CPUs for that.
    #[test]
    fn a_bound_thread_counts_the_main_threads_cpus() {
        let before = usable();
        std::thread::spawn(move || {
            assert!(Cpus::of(0).expect("Linux tells it").first().bind());
            assert_eq!(usable(), before);
        })
        .join()
        .expect("no panic");
    }
}
