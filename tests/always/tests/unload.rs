//! A library that uses a pool is closed, and the threads that used it live on: what it has left in them must not lead the
//! kernel into memory that is no longer mapped. In a binary of its own, for its timer.
//!
//! The library is the example `plugin`, which cargo builds with the tests, but not for `--test unload` alone.
//!
//! The tests take turns: the library is closed for good when no test has it open.
//!
//! A program that is linked statically opens no library.
#![cfg(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static")))]

use std::ffi::{CStr, CString, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::{env, fs, hint, mem, ptr, thread};

use tests::sequences;
use tests::turn::turn;

const TIMES: usize = 100;
const WORKERS: usize = 4;
/// What a worker does with the pool each time.
const ROUNDS: u64 = 300;
/// What the process lives on for each time.
const SIGNALS_AFTER: u64 = 20;

static SIGNALS: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_: libc::c_int) {
    SIGNALS.fetch_add(1, Relaxed);
}

/// Raises SIGALRM every `microseconds`; 0 ends it.
fn every(microseconds: libc::suseconds_t) {
    let interval = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: the new value is valid, the old one is not asked for.
    assert_eq!(unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, ptr::null_mut()) }, 0);
}

/// The library, open.
struct Plugin {
    handle: *mut c_void,
    uses_rseq: extern "C" fn() -> bool,
    use_pool: extern "C" fn(u64),
    fill: extern "C" fn(usize, &'static AtomicU64),
    close: extern "C" fn(),
}

impl Plugin {
    /// Where cargo has put it: beside the folder of the test binaries.
    fn path() -> PathBuf {
        let test = env::current_exe().expect("the test binary has a path");
        let profile = test.parent().and_then(Path::parent).expect("test binaries are in `deps`");
        let path = profile.join("examples/libplugin.so");
        assert!(path.exists(), "{} is missing: run `cargo build -p tests-always --example plugin`", path.display());
        path
    }

    fn open(path: &Path) -> Self {
        let path = CString::new(path.as_os_str().as_bytes()).expect("a path has no zero byte");
        // SAFETY: a C string; the library has no initialisers but those of std and of the runtime.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!handle.is_null(), "dlopen");
        let symbol = |name: &CStr| {
            // SAFETY: the library is open, and the name is a C string.
            let symbol = unsafe { libc::dlsym(handle, name.as_ptr()) };
            assert!(!symbol.is_null(), "{name:?} is missing");
            symbol
        };
        // SAFETY: the plugin's function has this type.
        let uses_rseq = unsafe { mem::transmute::<*mut c_void, extern "C" fn() -> bool>(symbol(c"plugin_uses_rseq")) };
        // SAFETY: the same.
        let use_pool = unsafe { mem::transmute::<*mut c_void, extern "C" fn(u64)>(symbol(c"plugin_use_pool")) };
        // SAFETY: the same.
        let fill =
            unsafe { mem::transmute::<*mut c_void, extern "C" fn(usize, &'static AtomicU64)>(symbol(c"plugin_fill")) };
        // SAFETY: the same.
        let close = unsafe { mem::transmute::<*mut c_void, extern "C" fn()>(symbol(c"plugin_close")) };
        Self { handle, uses_rseq, use_pool, fill, close }
    }

    /// Closes it, with no more than necessary between the last use of its pool and the end of its mapping: at the next
    /// signal or preemption, the kernel would forget a sequence that the thread is not in.
    fn close(self) {
        (self.close)();
        // SAFETY: open, and the workers are back from its functions.
        assert_eq!(unsafe { libc::dlclose(self.handle) }, 0);
    }
}

/// The address of `plugin_use_pool` while the workers may call it, and 0, or 1 at the end.
static USE_POOL: AtomicUsize = AtomicUsize::new(0);
const END: usize = 1;
/// How many times each worker has come back from it, one after the other.
static BACK: AtomicUsize = AtomicUsize::new(0);
/// How many times the library was opened.
static OPENED: AtomicUsize = AtomicUsize::new(0);

/// Uses the pool each time that the library is open, and otherwise spins: it keeps running on its CPU until it is
/// preempted.
fn work() {
    let mut used = 0;
    loop {
        // Acquire: pairs with the opening thread's store; the library is mapped, and `OPENED` is its number.
        let address = USE_POOL.load(Acquire);
        if address == END {
            return;
        }
        if address == 0 || OPENED.load(Relaxed) == used {
            hint::spin_loop();
            continue;
        }
        used += 1;
        // SAFETY: the address of that function, which stays there until all workers are back.
        let use_pool = unsafe { mem::transmute::<usize, extern "C" fn(u64)>(address) };
        use_pool(ROUNDS);
        // Release: pairs with the closing thread's load; nothing of the library is used behind it.
        BACK.fetch_add(1, AcqRel);
    }
}

#[test]
fn threads_outlive_a_library_that_used_a_pool() {
    let _turn = turn();
    // SAFETY: all zeroes is an action without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = count as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does what a handler may: it adds to an atomic.
    assert_eq!(unsafe { libc::sigaction(libc::SIGALRM, &action, ptr::null_mut()) }, 0);

    let path = Plugin::path();
    let is_mapped = || {
        let maps = fs::read_to_string("/proc/self/maps").expect("Linux lists the mappings");
        maps.lines().any(|line| line.ends_with("/libplugin.so"))
    };
    let rseq = sequences::are_used();
    let workers: Vec<_> = (0..WORKERS).map(|_| thread::spawn(work)).collect();
    every(50);
    for time in 1..=TIMES {
        let plugin = Plugin::open(&path);
        assert!(is_mapped());
        assert_eq!((plugin.uses_rseq)(), rseq, "the library decides like the program");
        OPENED.store(time, Relaxed);
        USE_POOL.store(plugin.use_pool as *const () as usize, Release);
        (plugin.use_pool)(ROUNDS);
        while BACK.load(Acquire) < time * WORKERS {
            thread::yield_now();
        }
        USE_POOL.store(0, Release);
        plugin.close();
        assert!(!is_mapped(), "time {time}: the library stays mapped");
        let signals = SIGNALS.load(Relaxed);
        while SIGNALS.load(Relaxed) < signals + SIGNALS_AFTER {
            hint::spin_loop();
        }
    }
    every(0);
    USE_POOL.store(END, Release);
    for worker in workers {
        worker.join().expect("a worker lives on");
    }
    println!("{TIMES} times, {} signals, rseq: {rseq}", SIGNALS.load(Relaxed));
}

/// A library with a copy of the runtime for itself leaves nothing, though no thread collects.
#[test]
fn what_is_idle_in_a_library_is_dropped_when_it_is_closed() {
    let _turn = turn();
    static DROPPED: AtomicU64 = AtomicU64::new(0);
    let plugin = Plugin::open(&Plugin::path());
    (plugin.fill)(20, &DROPPED);
    // SAFETY: open, and no thread is in its functions.
    assert_eq!(unsafe { libc::dlclose(plugin.handle) }, 0);
    assert_eq!(DROPPED.load(Relaxed), 20);
}
