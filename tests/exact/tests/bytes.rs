//! What objects weigh: the key `weigh`, when it is asked, what becomes of an object on the scales, and the budget of a collector.

// Some fields are there to be weighed.
#![allow(dead_code)]

use std::any::Any;
use std::cell::Cell;
use std::collections::HashMap;
use std::hash::RandomState;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use pool_runtime::collector::{self, Level, Pressure};
use pool_runtime::{Collector, Guard, HeapBytes, Pooled, collect, registry};
use tests::child::alone;
use tests::collector::{SHORT, every, wait_until};
use tests::counted;
use tests::cpu;
use tests::guards::hold;

fn weight<T: Pooled>(object: &T) -> usize {
    T::WEIGH.expect("the type is weighed")(object)
}

#[test]
fn alone_the_key_adds_up_what_the_fields_own() {
    struct Window(Vec<u64>);

    impl HeapBytes for Window {
        fn heap_bytes(&self) -> usize {
            self.0.heap_bytes()
        }
    }

    struct Unknown(Vec<u8>);

    #[derive(Pooled)]
    #[pooled(weigh, new = Request::filled)]
    struct Request {
        body: Vec<u16>,
        name: String,
        table: Box<[u8; 500]>,
        #[pooled(clear)]
        headers: HashMap<u32, u32>,
        #[pooled(keep)]
        window: Window,
        #[pooled(keep)]
        last: Option<Vec<u8>>,
        #[pooled(keep)]
        unknown: Unknown,
        lines: u64,
    }

    impl Request {
        fn filled() -> Self {
            Self {
                body: Vec::with_capacity(100),
                name: String::with_capacity(30),
                table: Box::new([0; 500]),
                headers: HashMap::new(),
                window: Window(Vec::with_capacity(10)),
                last: Some(Vec::with_capacity(7)),
                unknown: Unknown(Vec::with_capacity(1000)),
                lines: 0,
            }
        }
    }

    let mut request = Request::filled();
    let owned = 200 + 30 + 500 + 80 + 7;
    assert_eq!(weight(&request), size_of::<Request>() + owned);
    request.headers.reserve(1000);
    let table = weight(&request) - size_of::<Request>() - owned;
    assert!((9_000..=20_000).contains(&table), "{table} for 1000 of 8 bytes");

    #[derive(Pooled)]
    #[pooled(weigh, new = || Ring { items: Vec::with_capacity(N), one: T::default() }, instances(Ring<u8, 5>, Ring<Vec<u8>, 6>))]
    struct Ring<T: Default + 'static, const N: usize> {
        items: Vec<T>,
        #[pooled(keep)]
        one: T,
    }

    assert_eq!(weight(&Ring::<u8, 5>::create_object()), size_of::<Ring<u8, 5>>() + 5);
    let mut ring = Ring::<Vec<u8>, 6>::create_object();
    ring.one.reserve_exact(9);
    assert_eq!(weight(&ring), size_of::<Ring<Vec<u8>, 6>>() + 6 * size_of::<Vec<u8>>() + 9);

    #[derive(Pooled)]
    #[pooled(weigh)]
    enum State {
        #[pooled(default)]
        Reading {
            line: Vec<u8>,
            number: u64,
        },
        Failed(String),
    }

    assert_eq!(weight(&State::Reading { line: Vec::with_capacity(3), number: 1 }), size_of::<State>() + 3);
    assert_eq!(weight(&State::Failed("never idle".to_owned())), size_of::<State>());

    #[derive(Default, Pooled)]
    #[pooled(weigh)]
    struct Nothing;
    assert_eq!(weight(&Nothing), 0);

    #[derive(Default, Pooled)]
    struct Unweighed(Vec<u8>);
    assert!(Unweighed::WEIGH.is_none());
}

#[test]
fn containers_tell_what_they_own() {
    use std::collections::{BinaryHeap, HashSet, VecDeque};
    use std::ffi::OsString;
    use std::io::Cursor;
    use std::path::PathBuf;
    use std::sync::RwLock;

    assert_eq!(Vec::<u32>::with_capacity(3).heap_bytes(), 12);
    assert_eq!(VecDeque::<u16>::with_capacity(3).heap_bytes(), 6);
    assert_eq!(BinaryHeap::<u8>::with_capacity(3).heap_bytes(), 3);
    assert_eq!(OsString::with_capacity(3).heap_bytes(), 3);
    assert_eq!(PathBuf::with_capacity(3).heap_bytes(), 3);
    assert_eq!(Box::new([0_u8; 3]).heap_bytes(), 3);
    assert_eq!((Box::new([1_u16, 2]) as Box<[u16]>).heap_bytes(), 4);
    assert_eq!([String::with_capacity(3), String::new()].heap_bytes(), 3);
    assert_eq!(None::<String>.heap_bytes() + Some(String::with_capacity(3)).heap_bytes(), 3);
    assert_eq!(Cursor::new(Vec::<u8>::with_capacity(3)).heap_bytes(), 3);
    assert_eq!(RwLock::new(String::with_capacity(3)).heap_bytes(), 3);
    let locked = Mutex::new(String::with_capacity(3));
    assert_eq!(locked.heap_bytes(), 3);
    let held = locked.lock().expect("no panic");
    assert_eq!(locked.heap_bytes(), 0);
    drop(held);
    let cell = std::cell::RefCell::new(String::with_capacity(3));
    assert_eq!(cell.heap_bytes(), 3);
    let borrowed = cell.borrow_mut();
    assert_eq!(cell.heap_bytes(), 0);
    drop(borrowed);
    assert_eq!((HashMap::<u8, u8>::new().heap_bytes(), HashSet::<u8>::new().heap_bytes()), (0, 0));
    // As many as can be counted, of no size.
    assert_eq!(Vec::<()>::new().heap_bytes(), 0);
    // What hashbrown itself says of its tables is what is said of std's, which are the same.
    for n in [1, 3, 4, 7, 8, 14, 28, 100, 1000, 100_000] {
        let (std, own) = (
            HashSet::<u64>::with_capacity(n),
            hashbrown::HashSet::<u64, RandomState>::with_capacity_and_hasher(n, RandomState::new()),
        );
        let (said, truth) = (std.heap_bytes(), own.heap_bytes());
        assert!(said.abs_diff(truth) * 10 <= truth, "{n}: {said} of {truth}");
    }
    assert_eq!(bytes::BytesMut::with_capacity(100).heap_bytes(), 100);
    assert_eq!(smallvec::SmallVec::<[u32; 4]>::new().heap_bytes(), 0);
    assert_eq!(smallvec::SmallVec::<[u32; 4]>::with_capacity(10).heap_bytes(), 40);
    assert_eq!(zeroize::Zeroizing::new(Vec::<u8>::with_capacity(3)).heap_bytes(), 3);
    let map =
        indexmap::IndexMap::<u64, u64, RandomState>::with_capacity_and_hasher(100, RandomState::new()).heap_bytes();
    assert!((2400..6000).contains(&map), "{map} for 100 of 16 bytes, a hash and a place");
}

/// An acquire and a release ask nothing. A step asks once for each object that it leaves or drops.
#[test]
fn the_weight_is_asked_by_sweeps_alone() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000, weigh = |page| {
        ASKED.fetch_add(1, Relaxed);
        page.0.capacity()
    })]
    struct Page(Vec<u8>);

    alone("the_weight_is_asked_by_sweeps_alone", || {
        cpu::pin();
        let asked = || ASKED.swap(0, Relaxed);
        let bytes = || Page::pool().stats().idle_bytes;
        assert_eq!(bytes(), None);
        for n in [1, 5, 100] {
            for mut page in hold::<Page>(n) {
                page.0.reserve_exact(10);
            }
        }
        assert_eq!((asked(), bytes(), Page::pool().idle()), (0, None, 100));
        Page::pool().age();
        assert_eq!((asked(), bytes()), (100, Some(1000)));
        // What is said is what was weighed last.
        let held = hold::<Page>(30);
        assert_eq!((asked(), bytes()), (0, Some(1000)));
        registry::pools().into_iter().for_each(|pool| pool.age());
        assert_eq!((asked(), bytes()), (70, Some(0)), "those that are dropped");
        drop(held);
        pool_runtime::age();
        assert_eq!((asked(), bytes(), Page::pool().idle()), (30, Some(300), 30));
        Page::pool().set_max_idle(20);
        assert_eq!((asked(), Page::pool().idle()), (10, 20), "those that are dropped");
        collect();
        assert_eq!((asked(), bytes()), (20, Some(0)));
    });
}

/// A step leaves objects as it found them: what was released last is acquired first.
#[test]
fn objects_come_back_from_the_scales_to_where_they_were() {
    #[derive(Default, Pooled)]
    #[pooled(weigh = |_| 1, max_idle = 10_000)]
    struct Weighed(#[pooled(keep)] Cell<u64>);
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 10_000)]
    struct Unweighed(#[pooled(keep)] Cell<u64>);

    fn order<T: Pooled>(n: usize, number: fn(&T) -> &Cell<u64>) -> Vec<u64> {
        let held = hold::<T>(n);
        (0..).zip(&held).for_each(|(i, object)| number(object).set(i));
        drop(held);
        T::pool().age();
        let order: Vec<u64> = hold::<T>(n).iter().map(|object| number(object).get()).collect();
        T::pool().collect();
        assert_eq!(order.first().copied(), (n as u64).checked_sub(1), "what was released last is acquired first");
        order
    }

    cpu::pin();
    for n in [0, 1, 2, 5, 31, 32, 33, 47, 63, 64, 65, 97, 100, 1000] {
        assert_eq!(order::<Weighed>(n, |object| &object.0), order::<Unweighed>(n, |object| &object.0), "of {n}");
    }
}

/// An object whose `weigh` panics is dropped, once; the others stay, and the panic goes on.
#[test]
fn a_weight_that_panics_costs_its_object() {
    static PANICS: AtomicBool = AtomicBool::new(true);
    counted!(
        Page,
        TALLY,
        max_idle = 1000,
        weigh = |page| {
            assert!(!PANICS.load(Relaxed) || page.0.number % 10 != 3, "object {}", page.0.number);
            1
        }
    );

    cpu::pin();
    drop(hold::<Page>(100));
    let age = || catch_unwind(AssertUnwindSafe(|| Page::pool().age()));
    let panic = age().expect_err("ten panic");
    assert!(panic.downcast_ref::<String>().is_some_and(|message| message.starts_with("object ")));
    let stats = Page::pool().stats();
    TALLY.check(&stats, 0, 0);
    assert_eq!((stats.idle, stats.dropped.panic, stats.idle_bytes), (90, 10, Some(90)));
    // While they are dropped, too.
    drop(hold::<Page>(100));
    assert!(catch_unwind(AssertUnwindSafe(|| Page::pool().collect())).is_err());
    TALLY.check(&Page::pool().stats(), 0, 0);
    assert_eq!(TALLY.alive(), 0);
    PANICS.store(false, Relaxed);
    drop(hold::<Page>(1000));
    assert_eq!(Page::pool().idle(), 1000, "all charges have been given back");
    Page::pool().collect();
}

/// A `weigh` may do what every other hook may.
#[test]
fn a_weight_may_use_pools() {
    counted!(Page, TALLY, max_idle = 1000, weigh = Page::weight);

    static WHAT: AtomicUsize = AtomicUsize::new(0);

    impl Page {
        fn weight(&self) -> usize {
            self.0.assert_alive();
            let pool = Page::pool();
            match WHAT.load(Relaxed) {
                0 => drop(hold::<Page>(3)),
                1 => pool.age(),
                2 => pool.collect(),
                3 => pool.set_max_idle(5 + self.0.number as usize % 20),
                4 => drop((registry::stats(), pool.stats())),
                _ => return 2,
            }
            // Once in a step: an age within each weight would go on for long.
            WHAT.store(usize::MAX, Relaxed);
            1
        }
    }

    cpu::pin();
    for what in 0..5 {
        Page::pool().set_max_idle(1000);
        drop(hold::<Page>(100));
        WHAT.store(what, Relaxed);
        Page::pool().age();
        let stats = Page::pool().stats();
        TALLY.check(&stats, 0, 0);
        assert!(stats.idle <= Page::pool().max_idle(), "{stats:?}");
        Page::pool().age();
        Page::pool().collect();
        TALLY.check(&Page::pool().stats(), 0, 0);
        assert_eq!(TALLY.alive(), 0);
        Page::pool().set_max_idle(50);
        drop(hold::<Page>(60));
        assert_eq!(Page::pool().idle(), 50, "all charges have been given back");
        Page::pool().collect();
    }
}

/// What is on the scales counts as idle and takes up the bound. A collect, and a bound that is lowered, take it along.
#[test]
fn what_is_on_the_scales_does_not_slip_past_a_sweep() {
    static WEIGHED: Barrier = Barrier::new(2);
    static STOPS: AtomicBool = AtomicBool::new(false);
    counted!(
        Page,
        TALLY,
        max_idle = 100,
        weigh = |_| {
            if STOPS.swap(false, Relaxed) {
                WEIGHED.wait();
                WEIGHED.wait();
            }
            1
        }
    );

    cpu::pin();
    let while_weighed = |part: &dyn Fn()| {
        Page::pool().set_max_idle(100);
        drop(hold::<Page>(100));
        STOPS.store(true, Relaxed);
        thread::scope(|scope| {
            let sweeper = scope.spawn(|| Page::pool().age());
            WEIGHED.wait();
            let stats = Page::pool().stats();
            assert_eq!((stats.idle, stats.victims, stats.in_use), (100, 100, 0));
            part();
            WEIGHED.wait();
            sweeper.join().expect("no panic");
        });
        TALLY.check(&Page::pool().stats(), 0, 0);
    };
    while_weighed(&|| ());
    assert_eq!((Page::pool().idle(), Page::pool().stats().idle_bytes), (100, Some(100)));
    while_weighed(&|| {
        // Some are not to be had, and there is no room for what is made in their place.
        let held = hold::<Page>(100);
        assert!(TALLY.alive() > 100);
        drop(held);
        assert_eq!(Page::pool().idle(), 100);
    });
    assert_eq!(TALLY.alive(), 100);
    while_weighed(&|| {
        Page::pool().collect();
        assert_eq!((Page::pool().idle(), Page::pool().stats().dropped.collect), (0, 100));
    });
    assert_eq!((Page::pool().idle(), TALLY.alive()), (0, 0));
    for max in [0, 1, 99] {
        while_weighed(&|| {
            Page::pool().set_max_idle(max);
            assert!(Page::pool().idle() <= max);
        });
        assert!(TALLY.alive() <= max as u64, "{} of {max}", TALLY.alive());
        Page::pool().collect();
    }
    let before = Page::pool().stats().dropped.age;
    while_weighed(&|| Page::pool().age());
    assert_eq!((Page::pool().idle(), Page::pool().stats().dropped.age - before), (0, 100), "idle at two steps");
    assert_eq!(TALLY.alive(), 0);
}

/// Threads that do everything at once lose nothing, and never hold more than the bound.
#[test]
fn weighing_beside_all_else_conserves_objects() {
    const MOST: usize = 300;
    counted!(
        Page,
        TALLY,
        max_idle = MOST,
        weigh = |page| {
            page.0.assert_alive();
            std::hint::black_box(1)
        }
    );

    let ended = &AtomicBool::new(false);
    thread::scope(|scope| {
        let sweeps: [fn(); 4] = [
            || Page::pool().age(),
            || Page::pool().age(),
            || Page::pool().collect(),
            || Page::pool().set_max_idle(MOST - MOST / 3 * usize::from(Page::pool().max_idle() == MOST)),
        ];
        for sweep in sweeps {
            scope.spawn(move || {
                while !ended.load(Relaxed) {
                    sweep();
                    thread::yield_now();
                }
            });
        }
        for seed in 0..2_usize {
            scope.spawn(move || {
                let mut n = seed;
                while !ended.load(Relaxed) {
                    n = (n * 5 + 7) % 257;
                    TALLY.may_hold(n);
                    let held = hold::<Page>(n);
                    TALLY.holds(n, 0, held.len());
                    let before = held.len();
                    drop(held);
                    TALLY.holds(0, before, 0);
                }
            });
        }
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(1) {
            let idle = TALLY.idle_at_least();
            assert!(idle <= MOST, "{idle} alive and idle");
        }
        ended.store(true, Relaxed);
    });
    TALLY.check(&Page::pool().stats(), 0, 0);
    // Stacks of other CPUs give their places back.
    Page::pool().set_max_idle(0);
    assert_eq!(TALLY.alive(), 0);
    cpu::pin();
    Page::pool().set_max_idle(MOST);
    drop(hold::<Page>(MOST + 50));
    assert_eq!(Page::pool().idle(), MOST, "all charges have been given back");
}

/// Of ten pools that would keep 500 MiB, 64 are kept; the sum is that of the objects, asked by themselves.
#[test]
fn a_budget_is_kept_over_ten_pools() {
    const BUDGET: usize = 64 << 20;
    const INTERVAL: Duration = Duration::from_millis(50);
    static LIVE: AtomicUsize = AtomicUsize::new(0);

    /// Memory that is counted, and never written to.
    #[derive(Default)]
    struct Buffer(Vec<u8>);

    impl Buffer {
        fn fill(&mut self, bytes: usize) {
            if self.0.capacity() < bytes {
                LIVE.fetch_sub(self.0.capacity(), Relaxed);
                self.0.reserve_exact(bytes);
                LIVE.fetch_add(self.0.capacity(), Relaxed);
            }
        }
    }

    impl Drop for Buffer {
        fn drop(&mut self) {
            LIVE.fetch_sub(self.0.capacity(), Relaxed);
        }
    }

    impl HeapBytes for Buffer {
        fn heap_bytes(&self) -> usize {
            self.0.heap_bytes()
        }
    }

    #[derive(Default, Pooled)]
    #[pooled(weigh, max_idle = 10_000, instances(Page<0>, Page<1>, Page<2>, Page<3>, Page<4>, Page<5>, Page<6>, Page<7>, Page<8>, Page<9>))]
    struct Page<const N: usize>(#[pooled(keep)] Buffer);

    /// Pool `N` has 50 MiB, in objects of its own size: 16 KiB and up.
    fn load<const N: usize>() -> Box<dyn Any>
    where
        Page<N>: Pooled,
    {
        let bytes = (16 << 10) * (N + 1);
        let mut held = hold::<Page<N>>((50 << 20) / bytes);
        held.iter_mut().for_each(|page| page.0.fill(bytes));
        Box::new(held)
    }

    /// All of it at one moment.
    fn burst() -> usize {
        let loads = [load::<0>, load::<1>, load::<2>, load::<3>, load::<4>];
        let more = [load::<5>, load::<6>, load::<7>, load::<8>, load::<9>];
        let held = (loads.map(|load| load()), more.map(|load| load()));
        let live = LIVE.load(Relaxed);
        drop(held);
        live
    }

    fn told() -> usize {
        registry::stats().iter().filter_map(|pool| pool.idle_bytes).sum()
    }

    alone("a_budget_is_kept_over_ten_pools", || {
        // Steps that found the load asleep, and the most that was live and was told then; and the most that was told after any.
        static RESTS: AtomicBool = AtomicBool::new(false);
        static STEPS: Mutex<Vec<(bool, usize, usize, usize)>> = Mutex::new(Vec::new());
        let collector = Collector::builder()
            .interval(INTERVAL)
            .pressure(Pressure::Ignore)
            .max_bytes(BUDGET)
            .after(|step| {
                let live = LIVE.load(Relaxed);
                STEPS.lock().expect("no panic").push((RESTS.load(Relaxed), live, told(), step.bytes));
            })
            .start()
            .expect("no other is running");
        let steps = || STEPS.lock().expect("no panic").len();
        let mut most = 0;
        for _ in 0..5 {
            let (start, before) = (Instant::now(), steps());
            while start.elapsed() < 4 * INTERVAL || steps() < before + 2 {
                most = most.max(burst());
            }
            RESTS.store(true, Relaxed);
            let before = steps();
            // The first may have begun while the load was at work.
            wait_until("a step has come and gone", || steps() >= before + 2);
            RESTS.store(false, Relaxed);
        }
        drop(collector);
        let steps = STEPS.lock().expect("no panic");
        println!("{most} bytes of 500 MiB at the most; {} steps: {steps:?}", steps.len());
        assert!(most > 490 << 20, "{most} bytes at the most");
        assert!(steps.len() > 10);
        for (number, &(rested, live, told, _)) in steps.iter().enumerate() {
            assert!(told <= BUDGET, "{told} after step {number}");
            let rested_before = number > 0 && steps[number - 1].0;
            assert!(!(rested && rested_before) || live <= BUDGET, "{live} live after step {number}");
        }
        assert!(steps.iter().any(|step| step.3 > 300 << 20), "a step drops most of 500 MiB");
    });
}

/// The budget takes what was released first, of each pool the same share, and the objects of a type that is not weighed with their size.
#[test]
fn a_budget_takes_what_was_idle_longest() {
    #[derive(Default, Pooled)]
    #[pooled(weigh, max_idle = 10_000)]
    struct Page {
        #[pooled(keep)]
        number: u64,
        #[pooled(keep)]
        bytes: Vec<u8>,
    }
    #[derive(Pooled)]
    #[pooled(new = || Plain([0; 1000]), max_idle = 10_000)]
    struct Plain(#[pooled(keep)] [u8; 1000]);

    alone("a_budget_takes_what_was_idle_longest", || {
        cpu::pin();
        let mut held = hold::<Page>(1000);
        for (page, number) in held.iter_mut().zip(0..) {
            page.number = number;
            page.bytes.reserve_exact(1000 - size_of::<Page>());
        }
        drop((held, hold::<Plain>(1000)));
        // 2,000,000 bytes: half of them are kept.
        let collector = Collector::builder()
            .interval(Duration::from_millis(200))
            .pressure(Pressure::Ignore)
            .max_bytes(1_000_000)
            .start()
            .expect("no other is running");
        wait_until("a step", || Page::pool().idle() < 1000);
        drop(collector);
        assert_eq!((Page::pool().idle(), Plain::pool().idle()), (500, 500));
        assert_eq!((Page::pool().stats().idle_bytes, Plain::pool().stats().idle_bytes), (Some(500_000), None));
        assert_eq!(Page::pool().stats().dropped.collect, 500);
        let mut kept: Vec<u64> = hold::<Page>(500).iter().map(|page| page.number).collect();
        kept.sort_unstable();
        // A guard's vector is dropped from its first on. The stack of 32 and the lists beside it do not keep the order to the object.
        let late = kept.iter().filter(|&&number| number >= 500).count();
        assert!(late >= 450, "{late} of the 500 that were released last: {kept:?}");
    });
}

/// What was released first may weigh less than the rest: so much more of it goes.
#[test]
fn a_budget_is_of_what_is_there() {
    #[derive(Default, Pooled)]
    #[pooled(weigh = |page| page.0, max_idle = 10_000)]
    struct Page(#[pooled(keep)] usize);

    alone("a_budget_is_of_what_is_there", || {
        cpu::pin();
        let mut held = hold::<Page>(1000);
        held.iter_mut().zip(0..).for_each(|(page, number)| page.0 = if number < 500 { 100 } else { 1000 });
        drop(held);
        let collector = Collector::builder()
            .interval(Duration::from_millis(200))
            .pressure(Pressure::Ignore)
            .max_bytes(275_000)
            .start()
            .expect("no other is running");
        wait_until("a step", || Page::pool().idle() < 1000);
        drop(collector);
        let (idle, told) = (Page::pool().idle(), Page::pool().stats().idle_bytes);
        let there: usize = hold::<Page>(idle).iter().map(|page| page.0).sum();
        assert!(there <= 275_000 && there > 200_000, "{there} bytes");
        assert_eq!(told, Some(there));
    });
}

/// The function is told of each step what it was and what it dropped; its panic ends there.
#[test]
fn a_step_is_told() {
    #[derive(Default, Pooled)]
    #[pooled(weigh, max_idle = 1000)]
    struct Page(#[pooled(keep)] Vec<u8>);

    alone("a_step_is_told", || {
        cpu::pin();
        let (tell, told) = mpsc::channel();
        let collector = Collector::builder()
            .interval(SHORT)
            .pressure(Pressure::Ignore)
            .after(move |step| {
                if step.objects > 0 {
                    assert_eq!(thread::current().name(), Some("pool-collector"));
                    tell.send(step.clone()).expect("it is waited for");
                    // A panic that the hook does not report: on a busy machine its backtrace took longer than a step is waited for.
                    panic::resume_unwind(Box::new("it is told again all the same"));
                }
            })
            .start()
            .expect("no other is running");
        for n in 1..=3 {
            hold::<Page>(n).iter_mut().for_each(|page| page.0.reserve_exact(100));
            let mut objects = 0;
            while objects < n {
                let step = told.recv_timeout(Duration::from_secs(30)).expect("a step");
                assert_eq!(step.level, Level::Interval);
                objects += step.objects;
            }
            assert_eq!(objects, n);
        }
        let stats = Page::pool().stats();
        assert_eq!((stats.dropped.age, stats.idle), (6, 0));
        hold::<Page>(1)[0].0.reserve_exact(100);
        let step = told.recv_timeout(Duration::from_secs(30)).expect("a step");
        assert_eq!((step.objects, step.bytes, step.trim), (1, size_of::<Page>() + 100, None), "{step:?}");
        assert!(step.duration < Duration::from_secs(30));
        drop(collector);
    });
}

/// glibc is asked where more than a little was dropped, and not where a program has turned it off.
#[test]
fn glibc_is_asked_after_more_than_a_little() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000)]
    struct Page(#[pooled(keep)] Vec<u8>);

    fn dropped(n: usize, collector: &Collector) -> u64 {
        let (trims, age) = (collector.trims().calls, Page::pool().stats().dropped.age);
        drop(hold::<Page>(n));
        wait_until("they are dropped", || Page::pool().stats().dropped.age == age + n as u64);
        // The steps that follow it, too.
        let steps = collector::counts().interval;
        wait_until("more steps", || collector::counts().interval >= steps + 3);
        collector.trims().calls - trims
    }

    alone("glibc_is_asked_after_more_than_a_little", || {
        let glibc = u64::from(cfg!(all(target_os = "linux", target_env = "gnu")));
        cpu::pin();
        let collector = every(SHORT);
        assert_eq!(dropped(1, &collector), 0);
        assert_eq!(dropped(14, &collector), 0);
        assert_eq!(dropped(1, &collector), glibc, "16 since the last time");
        assert_eq!(dropped(15, &collector), 0);
        drop(collector);
        let collector = Collector::builder().interval(SHORT).pressure(Pressure::Ignore).trim(false).start();
        let collector = collector.expect("no other is running");
        assert_eq!(dropped(100, &collector), 0);
        let trims = collector.trims();
        assert!(trims.calls == glibc && trims.fruitful <= trims.calls && (trims.time > Duration::ZERO) == (glibc > 0));
        drop(collector);
    });
}

/// Objects in use are not weighed.
#[test]
fn what_is_in_use_is_not_weighed() {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    #[derive(Default, Pooled)]
    #[pooled(weigh = |_| ASKED.fetch_add(1, Relaxed) as usize)]
    struct Page(Cell<u8>);

    let held: Vec<Guard<Page>> = hold(10);
    Page::pool().age();
    Page::pool().collect();
    assert_eq!(ASKED.load(Relaxed), 0);
    drop(held);
}
