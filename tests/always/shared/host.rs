//! A program that opens and closes a library whose pools are in the program's registry. `tests/unload_shared.rs` runs it.

use std::ffi::{CStr, CString, c_void};
use std::panic::catch_unwind;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;
use std::{env, fs, mem, ptr, thread};

use shared::pool_runtime::registry::stats;
use shared::pool_runtime::{self, Backend, Collector, Guard, Pooled, registry};

/// Of the program's own.
#[derive(Default, Pooled)]
#[pooled(crate = shared::pool_runtime)]
struct Own(Vec<u8>);

struct Plugin {
    handle: *mut c_void,
    use_pools: extern "C" fn(usize),
    fill: extern "C" fn(usize, &'static AtomicUsize),
    fill_slow: extern "C" fn(&'static [AtomicUsize; 2]),
    hold: extern "C" fn(bool),
    leave: extern "C" fn() -> usize,
}

impl Plugin {
    fn open() -> Self {
        let path = CString::new(env::args().nth(1).expect("the library's path")).unwrap();
        // SAFETY: a C string; the library has no initialisers but those of std.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        // SAFETY: what it returns is a C string.
        assert!(!handle.is_null(), "{:?}", unsafe { CStr::from_ptr(libc::dlerror()) });
        // SAFETY: the library is open, and the name is a C string.
        let symbol = |name: &CStr| unsafe { libc::dlsym(handle, name.as_ptr()) };
        // SAFETY: the plugin's functions have these types.
        unsafe {
            Self {
                handle,
                use_pools: mem::transmute::<*mut c_void, extern "C" fn(usize)>(symbol(c"plugin_use_pools")),
                fill: mem::transmute::<*mut c_void, extern "C" fn(usize, &'static AtomicUsize)>(symbol(c"plugin_fill")),
                fill_slow: mem::transmute::<*mut c_void, extern "C" fn(&'static [AtomicUsize; 2])>(symbol(
                    c"plugin_fill_slow",
                )),
                hold: mem::transmute::<*mut c_void, extern "C" fn(bool)>(symbol(c"plugin_hold")),
                leave: mem::transmute::<*mut c_void, extern "C" fn() -> usize>(symbol(c"plugin_leave")),
            }
        }
    }

    fn close(self) {
        // SAFETY: open, and no thread is in its functions.
        assert_eq!(unsafe { libc::dlclose(self.handle) }, 0);
        let maps = fs::read_to_string("/proc/self/maps").expect("Linux lists the mappings");
        assert!(!maps.contains("libplugin"), "the library stays mapped");
    }
}

/// How many pools of the plugin are in the registry.
fn listed() -> usize {
    stats().iter().filter(|stats| stats.name.starts_with("plugin::")).count()
}

fn is_off() -> bool {
    pool_runtime::backend() == Backend::Off
}

/// Bytes that are allocated, of the program and of its libraries.
fn live() -> usize {
    // SAFETY: no obligation.
    unsafe { libc::mallinfo2() }.uordblks
}

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

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

/// 100 rounds, with threads of the program that go over all pools meanwhile.
fn rounds() {
    // SAFETY: all zeroes is an action without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = count as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does what a handler may: it adds to an atomic.
    assert_eq!(unsafe { libc::sigaction(libc::SIGALRM, &action, ptr::null_mut()) }, 0);
    std::panic::set_hook(Box::new(|_| ()));

    static END: AtomicUsize = AtomicUsize::new(0);
    let sweeps = AtomicUsize::new(0);
    let collector = Collector::builder().interval(Duration::from_millis(1)).start().expect("the first");
    thread::scope(|scope| {
        let go_on = |step: &dyn Fn()| {
            while END.load(Relaxed) == 0 {
                // A `Drop` of the plugin's may panic. What it panics with is a string of the plugin's.
                mem::forget(catch_unwind(std::panic::AssertUnwindSafe(step)));
                sweeps.fetch_add(1, Relaxed);
                thread::yield_now();
            }
        };
        for _ in 0..4 {
            scope.spawn(move || go_on(&|| assert!(stats().to_string().contains("pool"))));
        }
        scope.spawn(move || go_on(&|| assert!(registry::pools().len() < 100)));
        scope.spawn(move || go_on(&pool_runtime::collect));
        scope.spawn(move || go_on(&pool_runtime::age));
        scope.spawn(move || go_on(&|| drop((Own::acquire(), Own::acquire()))));
        every(200);
        let result = catch_unwind(|| {
            for round in 0..100 {
                let plugin = Plugin::open();
                assert_eq!(listed(), 0);
                thread::scope(|scope| {
                    (0..2).for_each(|_| drop(scope.spawn(|| (plugin.use_pools)(50))));
                });
                assert!((1..=4).contains(&listed()));
                let rows = stats();
                if round % 2 == 0 {
                    // It asks before.
                    (plugin.hold)(true);
                    assert_eq!((plugin.leave)(), 1);
                    (plugin.hold)(false);
                    assert_eq!((plugin.leave)(), 0);
                    // All but the one that was left last, whose objects may use the others.
                    if round % 4 == 0 {
                        // It changes its mind.
                        (plugin.use_pools)(20);
                        assert!(listed() > 0);
                    }
                }
                plugin.close();
                assert_eq!(listed(), 0, "round {round}");
                assert!(rows.to_string().contains("plugin::Page"), "the names outlive the library");
            }
        });
        every(0);
        END.store(1, Relaxed);
        if let Err(payload) = result {
            std::panic::resume_unwind(payload);
        }
    });
    drop(collector);
    println!("{} sweeps, {} signals", sweeps.load(Relaxed), SIGNALS.load(Relaxed));
}

/// What a round costs for ever.
fn memory() {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    let round = || {
        let plugin = Plugin::open();
        (plugin.fill)(20, &COUNTER);
        plugin.close();
    };
    (0..10).for_each(|_| round());
    let before = live();
    (0..100).for_each(|_| round());
    let lost = live().saturating_sub(before) / 100;
    // Each object has been dropped once, when the library was unloaded at the latest.
    assert_eq!(COUNTER.load(Relaxed), 110 * 20);
    println!("{lost} bytes per round");
    // 152 of them by a library that is not used. A pool that kept its tables would lose more than 700.
    assert!(lost < 512, "{lost} bytes are lost by each round");
}

fn in_use() {
    let plugin = Plugin::open();
    (plugin.hold)(true);
    plugin.close();
    assert_eq!(listed(), 0);
    pool_runtime::collect();
    drop(Own::acquire());
}

/// Nothing is done at the end, though objects are in use, and others idle.
fn exit() {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn report() {
        println!("dropped at the end: {}", COUNTER.load(Relaxed));
    }
    // SAFETY: the function is there until the end. It is called after what is registered later.
    assert_eq!(unsafe { libc::atexit(report) }, 0);
    let plugin = Plugin::open();
    (plugin.hold)(true);
    if !is_off() {
        (plugin.fill)(5, &COUNTER);
    }
}

/// A sweep is dropping an object of the library while that is closed.
fn dropping() {
    static WORDS: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
    let plugin = Plugin::open();
    let close = || {
        while WORDS[0].load(Acquire) == 0 {
            thread::yield_now();
        }
        WORDS[1].store(1, Release);
    };
    if is_off() {
        println!("not tried: with POOL_BACKEND=off there is nothing to be swept");
        return;
    }
    (plugin.fill_slow)(&WORDS);
    let collect = thread::spawn(pool_runtime::collect);
    close();
    plugin.close();
    assert_eq!(WORDS[0].load(Acquire), 2, "closed while its code was running");
    collect.join().expect("the sweep comes back");
}

fn main() {
    // The program's own pool stays whatever happens.
    let own = Own::acquire();
    match env::args().nth(2).as_deref() {
        Some("rounds") => rounds(),
        Some("memory") => memory(),
        Some("in-use") => in_use(),
        Some("exit") => exit(),
        Some("dropping") => dropping(),
        other => panic!("{other:?}"),
    }
    Guard::discard(own);
    assert!(stats().iter().any(|stats| stats.name.ends_with("::Own")));
    println!("done");
}
