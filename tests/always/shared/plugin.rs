//! A library with pools in the registry of its host. It does nothing for them before it is closed, but where it is asked to.

use std::panic::{catch_unwind, resume_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Mutex, PoisonError};
use std::thread;

use shared::pool_runtime::{Guard, OwnedPool, Pool, Pooled, registry};

#[derive(Default, Pooled)]
#[pooled(crate = shared::pool_runtime)]
struct Page {
    bytes: Vec<u8>,
    #[pooled(keep)]
    told: Told,
}

/// A pool that is written by hand, of a type with a parameter.
struct Buf<T>(Vec<T>);

impl Pooled for Buf<u16> {
    fn pool() -> &'static Pool<Self> {
        static POOL: Pool<Buf<u16>> = Pool::new("plugin::Buf<u16>").with_max_idle(100);
        &POOL
    }

    fn create_object() -> Self {
        Self(Vec::new())
    }

    fn reset_object(object: &mut Self) {
        object.0.clear();
    }
}

/// Each of its drops uses the other pools, is slow, and panics now and then.
#[derive(Default, Pooled)]
#[pooled(crate = shared::pool_runtime)]
struct Wild(#[pooled(set = 0)] u64);

impl Drop for Wild {
    fn drop(&mut self) {
        drop((Page::acquire(), Buf::<u16>::acquire()));
        static DROPS: AtomicUsize = AtomicUsize::new(0);
        if DROPS.fetch_add(1, Relaxed).is_multiple_of(7) && !thread::panicking() {
            resume_unwind(Box::new("wild"));
        }
    }
}

/// Where the host counts drops.
#[derive(Default)]
struct Told(Option<&'static AtomicUsize>);

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(counter) = self.0 {
            counter.fetch_add(1, Relaxed);
        }
    }
}

/// Its `Drop` says that it has begun, and goes on when the library is being closed.
#[derive(Default, Pooled)]
#[pooled(crate = shared::pool_runtime)]
struct Slow(#[pooled(keep)] Option<&'static [AtomicUsize; 2]>);

impl Drop for Slow {
    fn drop(&mut self) {
        let Some([begun, closing]) = self.0 else { return };
        begun.store(1, Release);
        while closing.load(Acquire) == 0 {
            thread::yield_now();
        }
        // As long as a close takes that does not wait, many times over.
        (0..10_000).for_each(|_| thread::yield_now());
        begun.store(2, Release);
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn plugin_use_pools(rounds: usize) {
    for round in 1..=rounds {
        let held: Vec<_> = (0..round % 20).map(|_| (Page::acquire(), Buf::<u16>::acquire())).collect();
        let mut page = Page::acquire();
        assert!(page.bytes.is_empty(), "handed out before its reset");
        page.bytes.push(1);
        drop(held);
        // Where it is not kept its `Drop` may panic.
        let _ = catch_unwind(|| drop(Wild::acquire()));
        Guard::discard(Buf::<u16>::acquire());
        // A pool that is a value, whose memory is the next one's, if the library is there still.
        let lines = OwnedPool::builder(Vec::<u8>::new).name("plugin::lines").build();
        let line = lines.acquire();
        drop(lines.acquire());
        drop(lines);
        drop(line);
    }
}

/// Leaves this many objects in its pool, with a pointer to the host's counter.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_fill(objects: usize, counter: &'static AtomicUsize) {
    let mut held: Vec<_> = (0..objects).map(|_| Page::acquire()).collect();
    held.iter_mut().for_each(|page| page.told = Told(Some(counter)));
}

#[unsafe(no_mangle)]
pub extern "C" fn plugin_fill_slow(words: &'static [AtomicUsize; 2]) {
    Slow::acquire().0 = Some(words);
}

static HELD: Mutex<Option<Guard<Page>>> = Mutex::new(None);

/// Takes one object, or gives it back.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_hold(hold: bool) {
    let held = hold.then(Page::acquire);
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = held;
}

/// How many objects are in use that keep the plugin's pools from leaving.
#[unsafe(no_mangle)]
pub extern "C" fn plugin_leave() -> usize {
    let mut objects = 0;
    for pool in registry::pools().into_iter().filter(|pool| pool.name().starts_with("plugin::")) {
        // The same holds for what it drops.
        let left = catch_unwind(|| pool.leave()).unwrap_or(Ok(()));
        objects += left.map_or_else(|error| error.objects(), |()| 0);
    }
    objects
}
