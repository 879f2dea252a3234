//! A pool before `main`, in constructor functions, and after it, in `atexit` handlers and destructor functions. In a
//! binary of its own, since each run of it does these things.
#![cfg(target_os = "linux")]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};

use pool_runtime::{Guard, Pooled, registry};
use tests::child;
use tests::counted::{Counted, Tally};

static TALLY: Tally = Tally::new();

#[derive(Pooled)]
#[pooled(new = || Page { _object: TALLY.make(), bytes: Vec::new() }, max_idle = 20)]
struct Page {
    _object: Counted,
    bytes: Vec<u8>,
}

/// How many constructors have run to their end.
static BEFORE: AtomicU32 = AtomicU32::new(0);
static RIGHT: AtomicBool = AtomicBool::new(true);

fn use_pool() {
    for _ in 0..3 {
        let mut held: Vec<Guard<Page>> = (0..10).map(|_| Page::acquire()).collect();
        for page in &mut held {
            RIGHT.fetch_and(page.bytes.is_empty(), Relaxed);
            page.bytes.push(1);
        }
        drop(held);
        Page::pool().age();
        drop(Page::try_acquire());
        Page::prefill(2);
        registry::age();
        registry::collect();
        RIGHT.fetch_and(Page::pool().idle() == 0 && TALLY.alive() == 0, Relaxed);
    }
    drop(Page::acquire());
}

extern "C" fn before_the_backend_is_decided() {
    use_pool();
    BEFORE.fetch_add(1, Relaxed);
}

extern "C" fn before_main() {
    use_pool();
    // SAFETY: a function that returns.
    unsafe { libc::atexit(after_main) };
    BEFORE.fetch_add(1, Relaxed);
}

extern "C" fn after_main() {
    use_pool();
    if !RIGHT.load(Relaxed) {
        // SAFETY: no precondition.
        unsafe { libc::_exit(99) };
    }
    say(b"atexit used the pool\n");
}

extern "C" fn at_the_end() {
    use_pool();
    say(b"fini_array used the pool\n");
}

/// Writes to standard output, which Rust has left by then.
fn say(line: &[u8]) {
    if child::is_child() {
        // SAFETY: the bytes are there.
        unsafe { libc::write(1, line.as_ptr().cast(), line.len()) };
    }
}

#[used]
// SAFETY: the C runtime calls what stands in this section, before `main`, and by the number before what has a higher one.
#[unsafe(link_section = ".init_array.00050")]
static INIT_EARLY: extern "C" fn() = before_the_backend_is_decided;

#[used]
// SAFETY: the C runtime calls what stands in this section, before `main`.
#[unsafe(link_section = ".init_array")]
static INIT: extern "C" fn() = before_main;

#[used]
// SAFETY: the C runtime calls what stands in this section, after `main` and the `atexit` handlers.
#[unsafe(link_section = ".fini_array")]
static FINI: extern "C" fn() = at_the_end;

#[test]
fn a_pool_works_before_main() {
    assert_eq!(BEFORE.load(Relaxed), 2, "the constructors have run to their ends");
    assert!(RIGHT.load(Relaxed));
    if child::is_child() {
        return;
    }
    // What was left there can be had here, and nothing was lost on the way.
    TALLY.check(&Page::pool().stats(), 0, 0);
    use_pool();
    assert!(RIGHT.load(Relaxed));
    TALLY.check(&Page::pool().stats(), 0, 0);
    assert!(registry::pools().iter().any(|pool| pool.name() == Page::pool().name()));

    let output = child::run_and_pass("a_pool_works_before_main", |child| child);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("atexit used the pool\n"), "{stdout}");
    assert!(stdout.ends_with("fini_array used the pool\n"), "{stdout}");
}
