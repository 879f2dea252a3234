//! No user of an object finds anything that another has left in it: each rule of the derive, and the order reset, `retain`, reuse. Each
//! test is sure that it looks at the object that was dirty.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{self, Relaxed};
use std::thread;

use pool_runtime::{Guard, Pooled, Reset};
use tests::counted::{Counted, Tally};
use tests::cpu;

#[test]
fn fields_without_a_key_are_reset() {
    static MADE: AtomicU64 = AtomicU64::new(0);
    #[derive(Pooled)]
    #[pooled(new = Request::new, max_idle = 100)]
    struct Request {
        body: Vec<u8>,
        headers: HashMap<String, String>,
        path: String,
        length: u64,
        peer: Option<Box<str>>,
        chunked: bool,
        ratio: f64,
        sizes: [u32; 4],
        span: (usize, usize),
        errors: Mutex<Vec<String>>,
        seen: AtomicU64,
        cell: Cell<i32>,
    }
    impl Request {
        fn new() -> Self {
            MADE.fetch_add(1, Relaxed);
            Self {
                body: Vec::new(),
                headers: HashMap::new(),
                path: String::new(),
                length: 0,
                peer: None,
                chunked: false,
                ratio: 0.0,
                sizes: [0; 4],
                span: (0, 0),
                errors: Mutex::new(Vec::new()),
                seen: AtomicU64::new(0),
                cell: Cell::new(0),
            }
        }
    }

    cpu::pin();
    for _ in 0..3 {
        let mut request = Request::acquire();
        let (capacity, path) = (request.body.capacity(), request.path.capacity());
        request.body.extend_from_slice(&[1; 1000]);
        request.headers.insert("cookie".to_owned(), "secret".to_owned());
        request.path.push_str("/a/long/path");
        request.length = 7;
        request.peer = Some("peer".into());
        request.chunked = true;
        request.ratio = 0.5;
        request.sizes[3] = 1;
        request.span.1 = 2;
        request.errors.get_mut().expect("not poisoned").push("error".to_owned());
        *request.seen.get_mut() = 3;
        request.cell.set(4);
        // A thread that panics under a lock of the object does not make it unusable.
        let errors = &request.errors;
        let poisoned = thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let _errors = errors.lock();
                std::panic::resume_unwind(Box::new(()));
            });
            thread.join().is_err()
        });
        assert!(poisoned);
        drop(request);

        let request = Request::acquire();
        assert_eq!(MADE.load(Relaxed), 1, "it is the same object");
        assert!(request.body.is_empty() && request.headers.is_empty() && request.path.is_empty());
        assert!(request.body.capacity() >= 1000.max(capacity) && request.path.capacity() >= path, "memory is kept");
        assert_eq!((request.length, request.peer.as_deref(), request.chunked), (0, None, false));
        assert_eq!((request.ratio, request.sizes, request.span), (0.0, [0; 4], (0, 0)));
        assert!(request.errors.lock().expect("not poisoned").is_empty());
        assert_eq!((request.seen.load(Relaxed), request.cell.get()), (0, 0));
    }
}

#[test]
fn each_rule_does_what_it_says() {
    static MADE: AtomicU64 = AtomicU64::new(0);
    struct Clears(u32);
    impl Clears {
        fn clear(&mut self) {
            self.0 = 11;
        }
    }
    impl Default for Clears {
        fn default() -> Self {
            Self(22)
        }
    }
    impl Reset for Clears {
        fn reset(&mut self) {
            self.0 = 33;
        }
    }
    fn forty_four(clears: &mut Clears) {
        clears.0 += 44;
    }
    #[derive(Pooled)]
    #[pooled(new = Rules::new, max_idle = 100)]
    struct Rules {
        nothing: Clears,
        #[pooled(clear)]
        clear: Clears,
        #[pooled(default)]
        default: Clears,
        #[pooled(set = Clears(55 + 1))]
        set: Clears,
        #[pooled(with = forty_four)]
        with: Clears,
        #[pooled(with = |clears| clears.0 *= 2)]
        closure: Clears,
        #[pooled(keep)]
        keep: Clears,
    }
    impl Rules {
        fn new() -> Self {
            MADE.fetch_add(1, Relaxed);
            let one = || Clears(1);
            Self { nothing: one(), clear: one(), default: one(), set: one(), with: one(), closure: one(), keep: one() }
        }
    }

    cpu::pin();
    drop(Rules::acquire());
    let rules = Rules::acquire();
    let all = |rules: &Rules| {
        [rules.nothing.0, rules.clear.0, rules.default.0, rules.set.0, rules.with.0, rules.closure.0, rules.keep.0]
    };
    assert_eq!(all(&rules), [33, 11, 22, 56, 45, 2, 1]);
    drop(rules);
    // Once for each release, not more and not less.
    assert_eq!(all(&Rules::acquire()), [33, 11, 22, 56, 89, 4, 1]);
    assert_eq!(MADE.load(Relaxed), 1);
}

#[test]
fn reset_of_the_whole_object_excludes_nothing() {
    static MADE: AtomicU64 = AtomicU64::new(0);
    #[derive(Pooled)]
    #[pooled(new = Whole::new, reset = Whole::wipe, max_idle = 100)]
    struct Whole(u32, String);
    impl Whole {
        fn new() -> Self {
            MADE.fetch_add(1, Relaxed);
            Self(1, String::new())
        }
        fn wipe(&mut self) {
            self.0 += 1;
            self.1.clear();
        }
    }

    cpu::pin();
    for times in 1..=5 {
        let mut whole = Whole::acquire();
        assert_eq!((whole.0, &*whole.1), (times, ""));
        whole.1.push('x');
    }
    assert_eq!(MADE.load(Relaxed), 1);
}

/// The hooks of one release, in their order; on the thread that drops the guard.
#[test]
fn reset_runs_before_retain_and_both_where_the_guard_is_dropped() {
    static LOG: Mutex<Vec<(&str, thread::ThreadId)>> = Mutex::new(Vec::new());
    #[derive(Pooled)]
    #[pooled(new = Page::new, reset = Page::reset, retain = Page::retain, max_idle = 100)]
    struct Page {
        bytes: Vec<u8>,
    }
    impl Page {
        fn new() -> Self {
            log("new");
            Self { bytes: Vec::new() }
        }
        fn reset(&mut self) {
            assert_eq!(self.bytes, [1]);
            self.bytes.clear();
            log("reset");
        }
        fn retain(&self) -> bool {
            assert!(self.bytes.is_empty(), "`retain` is asked of an object that is not reset");
            log("retain");
            self.bytes.capacity() < 100
        }
    }
    impl Drop for Page {
        fn drop(&mut self) {
            log("drop");
        }
    }
    fn log(what: &'static str) {
        LOG.lock().expect("nobody panics").push((what, thread::current().id()));
    }
    let here = thread::current().id();
    let taken = || std::mem::take(&mut *LOG.lock().expect("nobody panics"));

    cpu::pin();
    let mut page = Page::acquire();
    assert_eq!(taken(), [("new", here)]);
    page.bytes.push(1);
    drop(page);
    assert_eq!(taken(), [("reset", here), ("retain", here)]);

    let mut page = Page::acquire();
    assert_eq!(taken(), [], "an acquire runs nothing of an object that is there");
    page.bytes.push(1);
    page.bytes.reserve(200);
    let thread = thread::spawn(move || drop(page));
    let there = thread.thread().id();
    thread.join().expect("it releases");
    assert_eq!(taken(), [("reset", there), ("retain", there), ("drop", there)], "the veto drops at once");

    let mut page = Page::adopt(Page { bytes: Vec::new() });
    page.bytes.push(1);
    drop(page);
    assert_eq!(taken(), [("reset", here), ("retain", here)]);
    Page::pool().collect();
    assert_eq!(taken(), [("drop", here)], "who collects drops");
    drop(Guard::into_inner(Page::acquire()));
    assert_eq!(taken(), [("new", here), ("drop", here)], "what is taken out is not reset");
    Guard::discard(Page::acquire());
    assert_eq!(taken(), [("new", here), ("drop", here)], "what is discarded is not reset");
}

#[test]
fn retain_refuses() {
    static TALLY: Tally = Tally::new();
    #[derive(Pooled)]
    #[pooled(new = || Page(TALLY.make(), Vec::new()), retain = |page| page.1.capacity() <= 1024, max_idle = 100)]
    struct Page(Counted, Vec<u8>);

    cpu::pin();
    for round in 1..=10 {
        let mut small = Page::acquire();
        let mut large = Page::acquire();
        small.1.reserve_exact(1024);
        large.1.reserve_exact(1025);
        small.0.assert_alive();
        drop((small, large));
        let stats = Page::pool().stats();
        assert_eq!((stats.dropped.retain, stats.dropped.total(), stats.idle), (round, round, 1));
        TALLY.check(&stats, 0, 0);
    }
}

/// A veto for everything: nothing ever idles, nothing is lost.
#[test]
fn retain_may_refuse_everything() {
    static TALLY: Tally = Tally::new();
    #[derive(Pooled)]
    #[pooled(new = || Page(TALLY.make()), retain = |_| false)]
    struct Page(#[pooled(with = Counted::assert_alive_mut)] Counted);
    trait AssertAlive {
        fn assert_alive_mut(&mut self);
    }
    impl AssertAlive for Counted {
        fn assert_alive_mut(&mut self) {
            self.assert_alive();
        }
    }

    for round in 1..=10 {
        drop((Page::acquire(), Page::acquire()));
        assert_eq!((TALLY.made(), TALLY.alive(), Page::pool().idle()), (2 * round, 0, 0));
    }
}

/// A value does not depend on whether an object was idle: issue 14. Every way of making one without `new`.
#[test]
fn a_new_object_is_as_a_reset_one() {
    #[derive(Default, Pooled)]
    struct Request {
        body: Vec<u8>,
        #[pooled(set = 200)]
        status: u16,
        #[pooled(with = |header| header.push_str("none"))]
        header: String,
    }
    #[derive(Default, Pooled)]
    #[pooled(reset = |limits| limits.0 = 128)]
    struct Limits(u32);
    #[derive(Pooled)]
    enum State {
        #[pooled(default)]
        Idle(#[pooled(set = 7)] u8),
        #[expect(dead_code)]
        Busy,
    }
    #[derive(Pooled)]
    struct Deep {
        depth: u32,
    }
    impl Default for Deep {
        fn default() -> Self {
            Self { depth: 128 }
        }
    }
    #[derive(Default, Pooled)]
    #[pooled(instances(Ring<u8>))]
    struct Ring<T> {
        items: Vec<T>,
        #[pooled(set = 1)]
        next: usize,
    }

    cpu::pin();
    for _ in 0..2 {
        let request = Request::acquire();
        assert_eq!((request.body.len(), request.status, &*request.header), (0, 200, "none"));
        drop(request);
        Request::pool().collect();
        assert_eq!(Limits::acquire().0, 128);
        let ring = Ring::<u8>::acquire();
        assert_eq!((ring.next, ring.items.len()), (1, 0));
        assert!(matches!(*State::acquire(), State::Idle(7)));
        assert_eq!(Deep::acquire().depth, 0);
        // Also what is made ahead.
        assert_eq!(Request::prefill(1), 1);
    }
}

/// What `new` makes is given out as it is.
#[test]
fn what_new_makes_is_not_reset() {
    #[derive(Pooled)]
    #[pooled(new = || Limits { depth: 128 })]
    struct Limits {
        depth: u32,
    }
    #[derive(Pooled)]
    #[pooled(new = || Whole { depth: 128 }, default)]
    struct Whole {
        depth: u32,
    }

    cpu::pin();
    assert_eq!(Limits::acquire().depth, 128);
    assert_eq!(Limits::acquire().depth, 0);
    for _ in 0..3 {
        let mut whole = Whole::acquire();
        assert_eq!(whole.depth, 128);
        whole.depth = 1;
    }
    assert_eq!(Whole::pool().stats().created, 1);
}

/// An adopted value is as dirty as it comes, and is reset before another sees it.
#[test]
fn an_adopted_value_is_reset_before_reuse() {
    #[derive(Pooled)]
    #[pooled(new = || unreachable!("one is idle"), max_idle = 100)]
    struct Page {
        bytes: Vec<u8>,
    }

    cpu::pin();
    drop(Page::adopt(Page { bytes: vec![1; 100] }));
    let page = Page::acquire();
    assert!(page.bytes.is_empty() && page.bytes.capacity() >= 100);
}

/// A value put in place of the object, by assignment or `swap`, is the object from then on.
#[test]
fn a_replaced_object_is_reset_before_reuse() {
    static MADE: AtomicU64 = AtomicU64::new(0);
    #[derive(Debug, PartialEq, Pooled)]
    #[pooled(new = || { MADE.fetch_add(1, Relaxed); Page { bytes: Vec::new() } }, max_idle = 100)]
    struct Page {
        bytes: Vec<u8>,
    }

    cpu::pin();
    let mut page = Page::acquire();
    *page = Page { bytes: vec![1] };
    let mut other = Page { bytes: vec![2] };
    std::mem::swap(&mut *page, &mut other);
    assert_eq!(other.bytes, [1]);
    drop(page);
    assert_eq!(*Page::acquire(), Page { bytes: Vec::new() });
    let mut one = Page::acquire();
    let mut two = Page::acquire();
    one.bytes.push(1);
    two.bytes.push(2);
    std::mem::swap(&mut one, &mut two);
    assert_eq!((&one.bytes[..], &two.bytes[..]), (&[2][..], &[1][..]));
    drop((one, two));
    assert!(Page::acquire().bytes.is_empty());
    assert_eq!(MADE.load(Relaxed), 2);
}

/// Many threads write their own mark into every field and find no other thread's.
#[test]
fn many_threads_never_see_a_dirty_object() {
    const ROUNDS: u64 = if cfg!(debug_assertions) { 5_000 } else { 200_000 };
    static BAD: AtomicU64 = AtomicU64::new(0);
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 20)]
    struct Page {
        bytes: Vec<u8>,
        #[pooled(set = [7; 8])]
        seven: [u64; 8],
        #[pooled(default)]
        text: Option<String>,
        #[pooled(keep)]
        uses: u64,
    }

    thread::scope(|scope| {
        for mark in 0..8_u8 {
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let mut page = Page::acquire();
                    let clean = page.bytes.is_empty() && page.text.is_none() && page.seven == [7; 8];
                    BAD.fetch_add(u64::from(!clean), Ordering::Relaxed);
                    page.bytes.resize(round as usize % 64, mark);
                    page.seven = [u64::from(mark); 8];
                    page.text = Some(mark.to_string());
                    page.uses += 1;
                    if round % 2 == 0 {
                        drop(Page::try_acquire());
                    }
                    assert!(page.bytes.iter().all(|&byte| byte == mark));
                }
            });
        }
    });
    assert_eq!(BAD.load(Relaxed), 0);
}
