//! The feature `diagnose`: the places that hold objects. The settings are the process's, so the tests take turns.

use std::hint::spin_loop;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};
use std::{mem, panic, thread};

use pool_runtime::diagnose::{self, InUse, InUseReport};
use pool_runtime::{Guard, OwnedGuard, OwnedPool, Pool, Pooled, registry};
use tests::turn::turn;
use tests::{child, cpu};

/// The right to the settings, which are those that a test begins with: each acquire is recorded.
fn settings() -> MutexGuard<'static, ()> {
    let turn = turn();
    diagnose::sample_every(1);
    diagnose::backtraces(false);
    diagnose::held_longer_than(None);
    // Returns that no check of the last test has told.
    diagnose::check();
    turn
}

/// The rows of one pool.
fn rows(pool: &str) -> Vec<InUse> {
    registry::in_use_report().into_iter().filter(|row| row.pool == pool).collect()
}

fn lines(pool: &str) -> Vec<u32> {
    let mut lines: Vec<_> = rows(pool).iter().map(|row| row.place.line).collect();
    lines.sort_unstable();
    lines
}

fn recorded(pool: &str) -> usize {
    rows(pool).iter().map(|row| row.recorded).sum()
}

fn wait_for(duration: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < duration {
        spin_loop();
    }
}

#[test]
fn every_way_to_a_guard_names_the_line_of_its_call() {
    #[derive(Default, Pooled)]
    #[pooled(name = "ways in")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _settings = settings();
    cpu::pin();
    Page::prefill(1);
    let first = line!() + 2;
    let guards: [Guard<Page>; 10] = [
        Page::acquire(),
        Page::acquire(),
        Page::acquire_with(|| Page(0)),
        Page::try_acquire_with(|| Ok::<_, ()>(Page(0))).expect("it can be made"),
        Page::adopt(Page(0)),
        Page::adopt_box(Box::new(Page(0))),
        Guard::default(),
        Guard::from(Page(0)),
        Guard::from(Box::new(Page(0))),
        <Guard<Page> as Default>::default(),
    ];
    assert_eq!(lines("ways in"), (first..first + 10).collect::<Vec<_>>());
    drop(guards);
    assert!(lines("ways in").is_empty());
    let line = line!() + 1;
    let found = Page::try_acquire().expect("objects are idle");
    let row = rows("ways in").pop().expect("it is out");
    assert_eq!((row.place.line, row.place.file.as_ref()), (line, file!()));
    assert_eq!(row.place.to_string(), format!("{}:{line}:17", file!()));
    assert_eq!((row.recorded, row.estimated, row.overdue, row.backtrace), (1, 1, 0, None));
    drop(found);
}

#[test]
fn every_way_out_ends_the_record() {
    #[derive(Default, Pooled)]
    #[pooled(name = "ways out", retain = |page: &Page| page.0 != 7)]
    struct Page(#[pooled(keep)] u64);

    let _settings = settings();
    let out = |end: fn(Guard<Page>)| {
        let page = Page::acquire();
        assert_eq!(recorded("ways out"), 1);
        end(page);
        assert_eq!(recorded("ways out"), 0);
    };
    out(drop);
    out(|page| _ = Guard::into_inner(page));
    out(|page| drop(Guard::into_box(page)));
    out(Guard::discard);
    // The object goes back to the system all the same.
    out(|page| drop(Box::from(Page(Guard::leak(page).0))));
    out(|mut page| page.0 = 7);
    out(|page| {
        let unwound = panic::catch_unwind(panic::AssertUnwindSafe(move || {
            let _page = page;
            panic::resume_unwind(Box::new(()));
        }));
        assert!(unwound.is_err());
    });
    // A guard that moves ends where it is dropped.
    let boxed = Box::new(Some(Page::acquire()));
    assert_eq!(recorded("ways out"), 1);
    drop(boxed);
    assert_eq!(recorded("ways out"), 0);
}

#[test]
fn a_pool_that_is_a_value_names_the_lines_of_its_calls() {
    type Page = [u64; 2];

    let _settings = settings();
    cpu::pin();
    let pool = OwnedPool::builder(|| [0; 2]).name("value").build();
    pool.prefill(1);
    let first = line!() + 2;
    let guards: [OwnedGuard<Page>; 6] = [
        pool.acquire(),
        pool.acquire(),
        pool.acquire_with(|| [1; 2]),
        pool.try_acquire_with(|| Ok::<_, ()>([1; 2])).expect("it can be made"),
        pool.adopt([1; 2]),
        pool.adopt_box(Box::new([1; 2])),
    ];
    assert_eq!(lines("value"), (first..first + 6).collect::<Vec<_>>());
    let [one, two, three, four, five, six] = guards;
    drop(one);
    OwnedGuard::into_inner(two);
    OwnedGuard::discard(three);
    // The object goes back to the system all the same.
    drop(Box::new(*OwnedGuard::leak(four)));
    drop(OwnedGuard::into_box(five));
    assert_eq!(recorded("value"), 1);
    let (found, line) = (pool.try_acquire().expect("one is idle"), line!());
    assert_eq!(lines("value"), [first + 5, line]);
    // Guards outlive the pool, and are out until they end.
    drop(pool);
    assert_eq!(recorded("value"), 2);
    drop((six, found));
    assert_eq!(recorded("value"), 0);
}

#[test]
fn the_drop_of_a_pool_tells_of_what_is_still_out_if_that_is_wanted() {
    const NAME: &str = "the_drop_of_a_pool_tells_of_what_is_still_out_if_that_is_wanted";

    if child::is_child() {
        diagnose::sample_every(1);
        let pool = |name: &'static str| OwnedPool::builder(|| 0_u64).name(name).build();
        let (unwanted, first, second, third) = (pool("unwanted"), pool("first"), pool("second"), pool("third"));
        let (mut held, returned) = (Some(unwanted.acquire()), third.acquire());
        drop(unwanted);
        drop(held.take());
        let at_end = registry::report_at_end();
        mem::forget(first.acquire());
        let late = second.acquire();
        drop(returned);
        drop((first, second, third));
        eprintln!("main ends");
        drop(late);
        drop(at_end);
        return;
    }
    let output = child::run_and_pass(NAME, |child| child);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let sentences: Vec<&str> =
        stderr.lines().filter(|line| line.starts_with("pool-runtime: ") || *line == "main ends").collect();
    let expected = [
        "`first` when it is dropped, 1 of",
        "`second` when it is dropped, 1 of",
        "main ends",
        "`first` at the end of the program, although",
    ];
    assert_eq!(sentences.len(), expected.len(), "{stderr}");
    assert!(sentences.iter().zip(expected).all(|(sentence, expected)| sentence.contains(expected)), "{stderr}");
}

/// The pool of the type panics when the guard ends, so the object is dropped, and its memory may be another object's.
#[test]
fn a_pool_that_panics_at_the_end_of_a_guard_ends_the_record() {
    static PANICS: AtomicBool = AtomicBool::new(false);
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);
    impl Pooled for Page {
        fn pool() -> &'static Pool<Self> {
            static POOL: Pool<Page> = Pool::new("panicking");
            if PANICS.load(Relaxed) {
                panic::resume_unwind(Box::new(()));
            }
            &POOL
        }
        fn create_object() -> Self {
            Self(0)
        }
        fn reset_object(_: &mut Self) {}
    }

    let _settings = settings();
    let page = Page::acquire();
    assert_eq!(recorded("panicking"), 1);
    PANICS.store(true, Relaxed);
    assert!(panic::catch_unwind(panic::AssertUnwindSafe(move || drop(page))).is_err());
    assert_eq!(recorded("panicking"), 0);
}

#[test]
fn one_in_so_many_acquires_is_recorded() {
    #[derive(Default, Pooled)]
    #[pooled(name = "rates")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _settings = settings();
    let hold = |n: usize| -> Vec<_> { (0..n).map(|_| Page::acquire()).collect() };
    for (every, objects, least, most) in [
        (1, 1000, 1000, 1000),
        (2, 10_000, 4700, 5300),
        (128, 128_000, 850, 1150),
        (u32::MAX, 1000, 0, 1),
        (0, 1000, 0, 0),
    ] {
        diagnose::sample_every(every);
        let held = hold(objects);
        let (recorded, rows) = (recorded("rates"), rows("rates"));
        assert!((least..=most).contains(&recorded), "{recorded} of {objects} at one in {every}");
        if every == 128 {
            assert_eq!(rows[0].estimated, recorded * 128);
        }
        // Objects that are out stay recorded, and no others come to be.
        diagnose::sample_every(0);
        drop(hold(1000));
        assert_eq!(self::recorded("rates"), recorded);
        drop(held);
        assert_eq!(self::recorded("rates"), 0);
    }
    // A thread that waits for a sample for long hears of a change at once.
    diagnose::sample_every(1_000_000);
    drop(hold(10));
    diagnose::sample_every(1);
    let held = hold(10);
    assert_eq!(recorded("rates"), 10);
    drop(held);
}

/// With a fixed distance of the samples, one place would have all of them.
#[test]
fn places_in_turn_are_recorded_alike() {
    #[derive(Default, Pooled)]
    #[pooled(name = "in turn")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _settings = settings();
    diagnose::sample_every(8);
    let held: Vec<_> = (0..8000).map(|_| (Page::acquire(), Page::acquire())).collect();
    let rows = rows("in turn");
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| (800..1200).contains(&row.recorded)), "{rows:?}");
    drop(held);
}

#[test]
fn rows_have_the_ages_of_the_first_and_the_last() {
    #[derive(Default, Pooled)]
    #[pooled(name = "ages")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _settings = settings();
    let between = Duration::from_millis(20);
    let acquire = || Page::acquire();
    let begin = Instant::now();
    let first = acquire();
    wait_for(between);
    let second = acquire();
    let row = rows("ages").pop().expect("they are out");
    assert_eq!(row.recorded, 2);
    assert!(row.oldest >= between && row.oldest <= begin.elapsed(), "{row:?}");
    assert!(row.youngest <= begin.elapsed() - between, "{row:?}");
    drop(first);
    let row = rows("ages").pop().expect("one is out");
    assert!(row.oldest == row.youngest && row.oldest <= begin.elapsed() - between, "{row:?}");
    drop(second);
}

#[test]
fn an_object_that_is_held_for_long_is_told_once_and_so_is_its_return() {
    #[derive(Default, Pooled)]
    #[pooled(name = "for long")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _settings = settings();
    let long = Duration::from_millis(30);
    let counts = || {
        let check = diagnose::check();
        let of_pool = |held: &[diagnose::Held]| held.iter().filter(|held| held.pool == "for long").count();
        (of_pool(&check.overdue), of_pool(&check.returned))
    };
    let (held, line) = (Page::acquire(), line!());
    wait_for(long);
    assert_eq!(counts(), (0, 0), "there is no threshold");
    diagnose::held_longer_than(long);
    assert_eq!(rows("for long")[0].overdue, 1, "a report tells without a check");
    let soon = Page::acquire();
    let check = diagnose::check();
    let told = check.overdue.iter().find(|held| held.pool == "for long").expect("it is held for long");
    assert!(told.place.line == line && told.held >= long, "{told:?}");
    assert!(told.to_string().starts_with("an object of the pool `for long`, acquired at "), "{told}");
    assert_eq!(counts(), (0, 0), "it was told");
    // A return before it was told is no news, and neither is a short hold.
    drop(soon);
    assert_eq!(counts(), (0, 0));
    let begin = Instant::now();
    drop(held);
    let check = diagnose::check();
    assert_eq!(check.returned.len(), 1, "{check:?}");
    assert!(
        check.returned[0].place.line == line && check.returned[0].held <= begin.elapsed() + told.held + long * 1000
    );
    assert_eq!(counts(), (0, 0), "the return was told");
    assert!(rows("for long").is_empty());
    // The same object again is another hold.
    let again = Page::acquire();
    assert_eq!(counts(), (0, 0));
    wait_for(long);
    assert_eq!(counts(), (1, 0));
    drop(again);
    assert_eq!(counts(), (0, 1));
}

/// Netty's detector has told of buffers that were in use, since a record outlived the object's hold.
#[test]
fn guards_that_cross_threads_are_neither_lost_nor_told_twice() {
    const ROUNDS: usize = 20_000;

    #[derive(Default, Pooled)]
    #[pooled(name = "crossing")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _settings = settings();
    // Each is held for long, so that checks write to records that end at this moment.
    diagnose::held_longer_than(Duration::ZERO);
    let (to_second, from_first) = channel::<Guard<Page>>();
    let (to_first, from_second) = channel::<Guard<Page>>();
    let over = AtomicBool::new(false);
    let (overdue, returned) = thread::scope(|scope| {
        let over = &over;
        let workers = [(to_second, from_second), (to_first, from_first)].map(|(to, from)| {
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let _ = to.send(Page::acquire());
                    drop(Page::acquire());
                    from.try_iter().for_each(drop);
                }
                drop(to);
                from.into_iter().for_each(drop);
            })
        });
        let reader = scope.spawn(move || {
            let (mut overdue, mut returned) = (0, 0);
            while !over.load(Acquire) {
                let check = diagnose::check();
                overdue += check.overdue.len();
                returned += check.returned.len();
                for row in rows("crossing") {
                    assert!(row.place.file == file!() && row.recorded > 0, "{row:?}");
                }
            }
            (overdue, returned)
        });
        workers.into_iter().for_each(|worker| worker.join().expect("it ends"));
        over.store(true, Release);
        reader.join().expect("it ends")
    });
    let last = diagnose::check();
    assert!(last.overdue.is_empty(), "all are back: {last:?}");
    assert_eq!(overdue, returned + last.returned.len(), "each that was told has returned");
    assert!(rows("crossing").is_empty());
    println!("{overdue} of {} were seen by a check", 4 * ROUNDS);
}

/// A guard outlives the thread that has acquired it.
#[test]
fn the_end_of_the_acquiring_thread_ends_no_record() {
    #[derive(Default, Pooled)]
    #[pooled(name = "orphan")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _settings = settings();
    let held = thread::spawn(Page::acquire).join().expect("it ends");
    assert_eq!(recorded("orphan"), 1);
    drop(held);
    assert_eq!(recorded("orphan"), 0);
}

/// More objects than the first level has places, twice, on threads that find the next level missing at the same moment.
#[test]
fn any_number_of_objects_is_recorded() {
    const EACH: usize = 40_000;

    #[derive(Default, Pooled)]
    #[pooled(name = "many", max_idle = 100_000)]
    struct Page(#[allow(dead_code, reason = "it has a size")] [u64; 3]);

    let _settings = settings();
    for _ in 0..2 {
        let held: Vec<Vec<Guard<Page>>> = thread::scope(|scope| {
            let threads = [(); 2].map(|()| scope.spawn(|| (0..EACH).map(|_| Page::acquire()).collect()));
            threads.into_iter().map(|thread| thread.join().expect("it ends")).collect()
        });
        assert_eq!(recorded("many"), 2 * EACH);
        // In another order, from another thread.
        thread::scope(|scope| {
            for mut held in held {
                scope.spawn(move || {
                    held.reverse();
                    drop(held);
                });
            }
        });
        assert_eq!(recorded("many"), 0);
    }
}

#[test]
fn objects_without_a_size_are_not_recorded() {
    #[derive(Default, Pooled)]
    #[pooled(name = "nothing")]
    struct Nothing;

    let _settings = settings();
    let held = (Nothing::acquire(), Nothing::acquire());
    assert!(rows("nothing").is_empty());
    drop(held);
}

#[test]
fn a_guard_is_one_word() {
    #[derive(Default, Pooled)]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    assert_eq!(size_of::<Option<Guard<Page>>>(), size_of::<usize>());
}

#[test]
fn a_backtrace_names_the_function_that_has_acquired() {
    #[derive(Default, Pooled)]
    #[pooled(name = "traced")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    #[inline(never)]
    fn the_function_that_acquires() -> Guard<Page> {
        Page::acquire()
    }

    let _settings = settings();
    diagnose::backtraces(true);
    let held = the_function_that_acquires();
    diagnose::backtraces(false);
    let report = registry::in_use_report();
    let row = report.iter().find(|row| row.pool == "traced").expect("it is out");
    let backtrace = row.backtrace.as_ref().expect("it has one");
    assert!(backtrace.contains("the_function_that_acquires"), "{backtrace}");
    assert!(!report.to_string().contains("the_function_that_acquires"));
    assert!(format!("{report:#}").contains("the_function_that_acquires"));
    drop(held);
}

#[test]
fn a_report_is_written_and_read_again_by_serde() {
    #[derive(Default, Pooled)]
    #[pooled(name = "written")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _settings = settings();
    let held = Page::acquire();
    let report = registry::in_use_report();
    let text = serde_json::to_string(&report).expect("it can be written");
    assert_eq!(serde_json::from_str::<InUseReport>(&text).expect("it can be read"), report);
    diagnose::held_longer_than(Duration::ZERO);
    let check = diagnose::check();
    let text = serde_json::to_string(&check).expect("it can be written");
    assert_eq!(serde_json::from_str::<diagnose::Check>(&text).expect("it can be read"), check);
    drop(held);
}

/// A circle of two `Arc`s, one of which owns a guard; a guard that is forgotten; a guard in a static; and one that is given back.
#[test]
fn the_end_of_the_program_tells_of_what_is_still_out() {
    const NAME: &str = "the_end_of_the_program_tells_of_what_is_still_out";

    #[derive(Default, Pooled)]
    #[pooled(name = "line")]
    struct Line(#[allow(dead_code, reason = "it has a size")] u64);
    #[derive(Default, Pooled)]
    #[pooled(name = "returned")]
    struct Returned(#[allow(dead_code, reason = "it has a size")] u64);
    struct Circle {
        _guard: Guard<Line>,
        other: Mutex<Option<Arc<Circle>>>,
    }
    static HELD: OnceLock<Guard<Line>> = OnceLock::new();

    if child::is_child() {
        diagnose::sample_every(1);
        let _at_end = registry::report_at_end();
        let _returned = Returned::acquire();
        let circle = Arc::new(Circle { _guard: Line::acquire(), other: Mutex::default() });
        *circle.other.lock().expect("it is not poisoned") = Some(Arc::clone(&circle));
        mem::forget(Line::acquire());
        HELD.get_or_init(Line::acquire);
        diagnose::sample_every(0);
        mem::forget(Line::acquire());
        eprintln!("main ends");
        return;
    }
    let output = child::run_and_pass(NAME, |child| child);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let (_, report) = stderr.split_once("main ends\n").expect("the report comes last");
    assert!(report.starts_with(
        "pool-runtime: 4 objects are in use in the pool `line` at the end of the program, 3 of them recorded"
    ));
    // A function that std calls has std's place.
    for part in ["tests/diagnose.rs:", "core/src/ops/function.rs:"] {
        assert!(report.contains(part), "no {part} in:\n{report}");
    }
    assert_eq!(report.lines().count(), 5, "a sentence, a head and three places:\n{report}");
    assert!(!report.contains("returned"), "{report}");
}

#[test]
fn the_end_of_a_program_that_holds_nothing_is_silent() {
    const NAME: &str = "the_end_of_a_program_that_holds_nothing_is_silent";

    #[derive(Default, Pooled)]
    struct Line(#[allow(dead_code, reason = "it has a size")] u64);

    if child::is_child() {
        diagnose::sample_every(1);
        let _at_end = registry::report_at_end();
        drop(Line::acquire());
        let held = Rc::new(Line::acquire());
        drop(Rc::clone(&held));
        return;
    }
    let output = child::run_and_pass(NAME, |child| child);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// The parent forks while its threads are in the middle of reports, acquires and releases.
#[test]
#[cfg(target_os = "linux")]
fn a_forked_child_reports_and_gives_back() {
    #[derive(Default, Pooled)]
    #[pooled(name = "forked")]
    struct Page(#[allow(dead_code, reason = "it has a size")] u64);

    let _settings = settings();
    diagnose::held_longer_than(Duration::ZERO);
    let over = AtomicBool::new(false);
    let mut held = Some(Page::acquire());
    let results: Vec<_> = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                let _ = (diagnose::check(), registry::in_use_report());
            }
        });
        scope.spawn(|| {
            while !over.load(Relaxed) {
                drop((Page::acquire(), Page::acquire()));
            }
        });
        let results = (0..100).map(|_| {
            let mut held = panic::AssertUnwindSafe(&mut held);
            let child = tests::forked::begin(move || {
                let line = |line: u32| {
                    rows("forked").iter().filter(|row| row.place.line == line).map(|row| row.recorded).sum::<usize>()
                };
                let own = rows("forked").iter().map(|row| row.place.line).min().unwrap_or(0);
                if line(own) != 1 {
                    return 1;
                }
                drop(held.take());
                if line(own) != 0 {
                    return 2;
                }
                diagnose::check();
                let here = Page::acquire();
                let is_there = line(line!() - 1) == 1;
                drop(here);
                if is_there && line(line!() - 3) == 0 { 0 } else { 3 }
            });
            tests::forked::end(child)
        });
        let results = results.collect();
        over.store(true, Relaxed);
        results
    });
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(recorded("forked"), 1);
    drop(held);
}

/// A library is in the handle: a child of `fork` that leaves `main` tells nothing of its parent's objects.
#[test]
#[cfg(target_os = "linux")]
fn a_forked_child_makes_no_report_at_its_end() {
    const NAME: &str = "a_forked_child_makes_no_report_at_its_end";

    #[derive(Default, Pooled)]
    struct Line(#[allow(dead_code, reason = "it has a size")] u64);

    if child::is_child() {
        let at_end = registry::report_at_end();
        mem::forget(Line::acquire());
        let mut at_end = Some(panic::AssertUnwindSafe(at_end));
        let child = tests::forked::begin(panic::AssertUnwindSafe(|| {
            drop(at_end.take());
            0
        }));
        tests::forked::end(child).expect("the child leaves");
        mem::forget(at_end);
        return;
    }
    let output = child::run_and_pass(NAME, |child| child);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
