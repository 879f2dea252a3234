//! Tests of the sources of pressure and of the sleep, and the code that both share.

mod sleeping;
mod sources;

use core::time::Duration;
use std::cell::RefCell;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use super::heard::Wake;
use super::place::Place;
use super::pressure::{Alarm, Found, Sleeper, Sources, TRIGGER, Watch, open_kernel_file, sleeper};
use crate::machine::system::tests as system;

const PSI: &str = "/proc/pressure/memory";

/// A folder that stands for `/`, with the files that a test puts in it. It is removed with this.
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

    /// Mounts the kernel's file under another name, since only that takes a trigger. The test has mounts of its own.
    fn psi(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        let (psi, at) = (CString::new(PSI).unwrap(), c_path(&path));
        system::mount(Some(&psi), &at, libc::MS_BIND).unwrap();
        self.1.borrow_mut().push(at);
        path
    }

    fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        system::make_fifo(&c_path(&path)).unwrap();
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
            system::unmount(&mount).unwrap();
        }
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

/// Whether this thread can have mounts of its own, which it then has.
fn has_mounts() -> bool {
    if let Err(error) = system::have_own_mounts() {
        eprintln!("not tested: mounts of its own: {error}");
        return false;
    }
    system::mount(None, c"/", libc::MS_REC | libc::MS_PRIVATE).unwrap();
    true
}

/// Whether the kernel tells pressure, and lets this process set triggers. If not, a part is not tested.
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
