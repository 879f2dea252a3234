//! User code inside the pool that uses the pool: every hook with every action. easy-pool and lockfree-object-pool hang
//! here, poolshark recurses without end, nexus-pool hands out an object twice.
//!
//! They take turns: they collect the pools of the whole process, and would run each other's hooks.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::thread;

use pool_runtime::{Backend, Guard, Pooled, registry};
use tests::counted;
use tests::counted::{Counted, Tally};
use tests::turn::turn;
use tests::watchdog::within_a_minute;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Hook {
    New,
    Reset,
    Retain,
    Drop,
}

const HOOKS: [Hook; 4] = [Hook::New, Hook::Reset, Hook::Retain, Hook::Drop];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Acquire,
    AcquireMany,
    TryAcquire,
    /// Lets go of a guard that was acquired before.
    Release,
    Adopt,
    Discard,
    IntoInner,
    Prefill,
    Collect,
    Age,
    CollectAll,
    AgeAll,
    SetMaxIdle,
    Stats,
    /// Uses another pool, whose hooks use this one.
    Other,
    /// Another thread does all the above, and this one waits for it.
    Spawn,
    Panic,
}

use Action::{
    Acquire, AcquireMany, Adopt, Age, AgeAll, Collect, CollectAll, Discard, IntoInner, Other, Panic, Prefill, Release,
    SetMaxIdle, Spawn, Stats, TryAcquire,
};

const ACTIONS: [Action; 17] = [
    Acquire,
    AcquireMany,
    TryAcquire,
    Release,
    Adopt,
    Discard,
    IntoInner,
    Prefill,
    Collect,
    Age,
    CollectAll,
    AgeAll,
    SetMaxIdle,
    Stats,
    Other,
    Spawn,
    Panic,
];

/// The bound of both pools: few enough that releases drop.
const BOUND: usize = 6;

static PAGES: Tally = Tally::new();
static OTHERS: Tally = Tally::new();

/// What the hooks of `Page` do at present.
static PLAN: Mutex<Option<(Hook, Action)>> = Mutex::new(None);
static RUNS: AtomicU64 = AtomicU64::new(0);
/// Guards to let go of.
static SPARE: Mutex<Vec<Guard<Page>>> = Mutex::new(Vec::new());

thread_local! {
    /// Inside an action: its own hooks do nothing, or it would not end.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

#[derive(Pooled)]
#[pooled(new = Page::new, reset = Page::reset, retain = Page::retain, max_idle = 6)]
struct Page(Counted);

impl Page {
    fn new() -> Self {
        // The object is there before the action is, so that a panic drops it.
        let page = Self(PAGES.make());
        run(Hook::New);
        page
    }

    fn reset(&mut self) {
        self.0.assert_alive();
        run(Hook::Reset);
        self.0.assert_alive();
    }

    fn retain(&self) -> bool {
        run(Hook::Retain);
        self.0.assert_alive();
        true
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        run(Hook::Drop);
        self.0.assert_alive();
    }
}

/// A type whose hooks use the pool of `Page`, from within whatever that pool is doing.
#[derive(Pooled)]
#[pooled(new = Another::new, reset = Another::reset, max_idle = 6)]
struct Another(#[allow(dead_code, reason = "it is there to be dropped")] Counted);

impl Another {
    fn new() -> Self {
        drop((Page::acquire(), Page::acquire()));
        Self(OTHERS.make())
    }

    fn reset(&mut self) {
        drop(Page::acquire());
        Page::pool().age();
    }
}

impl Drop for Another {
    fn drop(&mut self) {
        drop(Page::acquire());
        Page::pool().collect();
    }
}

fn run(hook: Hook) {
    let plan = *PLAN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((_, action)) = plan.filter(|&(planned, _)| planned == hook) else { return };
    if INSIDE.replace(true) {
        return;
    }
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE.set(false);
        }
    }
    let _leave = Leave;
    RUNS.fetch_add(1, Relaxed);
    act(action);
}

fn act(action: Action) {
    match action {
        Acquire => drop(Page::acquire()),
        AcquireMany => drop((0..3 * BOUND).map(|_| Page::acquire()).collect::<Vec<_>>()),
        TryAcquire => drop(Page::try_acquire()),
        Release => {
            let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop();
            drop(spare);
        }
        Adopt => drop(Page::adopt(Page(PAGES.make()))),
        Discard => Guard::discard(Page::acquire()),
        IntoInner => drop(Guard::into_inner(Page::acquire())),
        Prefill => drop(Page::prefill(3)),
        Collect => Page::pool().collect(),
        Age => Page::pool().age(),
        CollectAll => pool_runtime::collect(),
        AgeAll => pool_runtime::age(),
        SetMaxIdle => {
            Page::pool().set_max_idle(1);
            Page::pool().set_max_idle(BOUND);
        }
        Stats => {
            let _ = (Page::pool().stats(), Page::pool().idle(), registry::stats());
        }
        Other => {
            drop((Another::acquire(), Another::acquire()));
            Another::pool().collect();
        }
        Spawn => {
            let thread = thread::spawn(|| {
                INSIDE.set(true);
                for action in ACTIONS {
                    if action != Spawn && action != Panic {
                        act(action);
                    }
                }
            });
            thread.join().expect("the pool works on another thread");
        }
        Panic => resume_unwind(Box::new("planned")),
    }
}

/// Does one thing; the planned panic may come out of it, another may not.
fn step<R>(part: impl FnOnce() -> R) {
    let result = catch_unwind(AssertUnwindSafe(|| drop(part())));
    if let Err(payload) = result {
        assert!(payload.downcast_ref::<&str>().is_some_and(|&text| text == "planned"), "another panic came out");
    }
}

/// All that reaches a hook: each in every state of the pool that it can be in.
fn use_everything(unwind: bool) {
    let hold = |n: usize| (0..n).filter_map(|_| catch_unwind(Page::acquire).ok()).collect::<Vec<_>>();
    let let_go = |held: Vec<Guard<Page>>| held.into_iter().for_each(|page| step(|| drop(page)));

    let spare = hold(3);
    SPARE.lock().unwrap_or_else(PoisonError::into_inner).extend(spare);
    for _ in 0..2 {
        // Misses; then releases, of which some find the bound reached.
        let_go(hold(2 * BOUND));
        let_go(hold(2));
        step(|| Page::pool().age());
        let_go(hold(3));
        step(|| Page::pool().age());
        step(|| Page::pool().age());
        step(|| Page::prefill(2 * BOUND));
        step(|| Page::pool().set_max_idle(1));
        step(|| Page::pool().set_max_idle(BOUND));
        for page in hold(1) {
            step(|| Guard::discard(page));
        }
        for page in hold(1) {
            step(|| Guard::into_inner(page));
        }
        step(|| Page::adopt(Page(PAGES.make())));
        let_go(hold(BOUND));
        step(|| Page::pool().collect());
        let_go(hold(BOUND));
        step(registry::age);
        step(registry::collect);
        if unwind {
            let page = hold(1);
            let unwound = catch_unwind(AssertUnwindSafe(|| {
                let _page = page;
                resume_unwind(Box::new("planned"));
            }));
            assert!(unwound.is_err());
        }
        // Two threads at once.
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let_go(hold(BOUND));
                        step(|| Page::pool().age());
                        step(|| Page::pool().collect());
                    }
                });
            }
        });
    }
}

#[test]
fn every_hook_may_do_everything() {
    let _turn = turn();
    for hook in HOOKS {
        for action in ACTIONS {
            let what = format!("{action:?} in {hook:?}");
            *PLAN.lock().unwrap_or_else(PoisonError::into_inner) = Some((hook, action));
            RUNS.store(0, Relaxed);
            // A panic of `Drop` while unwinding is an abort, as everywhere in Rust.
            let unwind = (hook, action) != (Hook::Drop, Panic);
            within_a_minute(&what, move || use_everything(unwind));
            *PLAN.lock().unwrap_or_else(PoisonError::into_inner) = None;
            // An object that is not kept is not reset, and `retain` is not asked.
            let runs = pool_runtime::backend() != Backend::Off || matches!(hook, Hook::New | Hook::Drop);
            assert_eq!(RUNS.load(Relaxed) > 0, runs, "{what}");

            let spare = std::mem::take(&mut *SPARE.lock().unwrap_or_else(PoisonError::into_inner));
            drop(spare);
            Another::pool().collect();
            Page::pool().collect();
            assert_eq!((PAGES.alive(), OTHERS.alive()), (0, 0), "{what}: {:?}", Page::pool().stats());
            let stats = Page::pool().stats();
            assert_eq!((stats.idle, stats.in_use), (0, 0), "{what}: {stats:?}");
        }
    }
}

/// A list that lets go of the next as it is reset (easy-pool hangs).
#[test]
fn a_reset_may_release_an_object_of_the_same_pool() {
    let _turn = turn();
    static TALLY: Tally = Tally::new();
    #[derive(Pooled)]
    #[pooled(new = || Node { _object: TALLY.make(), next: None }, max_idle = 50)]
    struct Node {
        _object: Counted,
        #[pooled(default)]
        next: Option<Guard<Node>>,
    }

    within_a_minute("a chain of releases", || {
        for length in [1, 2, 50, 51, 200] {
            let mut first = Node::acquire();
            for _ in 1..length {
                let mut node = Node::acquire();
                node.next = Some(first);
                first = node;
            }
            drop(first);
            assert!(Node::pool().idle() <= 50);
            TALLY.check(&Node::pool().stats(), 0, 0);
        }
        Node::pool().collect();
        assert_eq!(TALLY.alive(), 0);
    });
}

/// The same where the next is kept, so that the `Drop` of what is collected releases into the pool that is collected.
#[test]
fn a_drop_may_release_an_object_of_the_same_pool() {
    let _turn = turn();
    static TALLY: Tally = Tally::new();
    #[derive(Pooled)]
    #[pooled(new = || Node { _object: TALLY.make(), next: None }, max_idle = 50)]
    struct Node {
        _object: Counted,
        #[pooled(keep)]
        next: Option<Guard<Node>>,
    }

    within_a_minute("a chain of drops", || {
        let mut first = Node::acquire();
        for _ in 1..200 {
            let mut node = Node::acquire();
            assert!(node.next.is_none());
            node.next = Some(first);
            first = node;
        }
        drop(first);
        // Each collection lets go of the next of the chain, or of more.
        let mut collections = 0;
        while TALLY.alive() > 0 {
            TALLY.check(&Node::pool().stats(), TALLY.alive() as usize - Node::pool().idle(), 0);
            match collections % 3 {
                0 => Node::pool().collect(),
                1 => pool_runtime::collect(),
                _ => Node::pool().age(),
            }
            collections += 1;
            assert!(collections <= 1000, "the chain is not let go: {:?}", Node::pool().stats());
        }
        TALLY.check(&Node::pool().stats(), 0, 0);
    });
}

/// Two types that hold each other.
#[test]
fn two_pools_may_hold_each_other() {
    let _turn = turn();
    static LEFTS: Tally = Tally::new();
    static RIGHTS: Tally = Tally::new();
    #[derive(Pooled)]
    #[pooled(new = || Left { _object: LEFTS.make(), right: None }, max_idle = 10)]
    struct Left {
        _object: Counted,
        #[pooled(default)]
        right: Option<Guard<Right>>,
    }
    #[derive(Pooled)]
    #[pooled(new = || Right { _object: RIGHTS.make(), left: None }, max_idle = 10)]
    struct Right {
        _object: Counted,
        #[pooled(keep)]
        left: Option<Guard<Left>>,
    }

    within_a_minute("two pools that hold each other", || {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for round in 0..1000 {
                        let mut left = Left::acquire();
                        let mut right = Right::acquire();
                        right.left = Some(Left::acquire());
                        left.right = Some(right);
                        drop(left);
                        match round % 50 {
                            0 => Left::pool().collect(),
                            10 => Right::pool().collect(),
                            20 => pool_runtime::collect(),
                            30 => pool_runtime::age(),
                            _ => {}
                        }
                    }
                });
            }
        });
        for _ in 0..3 {
            Left::pool().collect();
            Right::pool().collect();
        }
        assert_eq!((LEFTS.alive(), RIGHTS.alive()), (0, 0));
    });
}

/// `new` that needs an object of the same type, a few levels deep.
#[test]
fn new_may_acquire_from_its_own_pool() {
    let _turn = turn();
    thread_local! {
        static DEPTH: Cell<u32> = const { Cell::new(0) };
    }
    counted!(Page, TALLY, new = Page::new, max_idle = 100);
    impl Page {
        fn new() -> Self {
            let depth = DEPTH.get();
            if depth < 20 {
                DEPTH.set(depth + 1);
                let (first, second) = (Page::acquire(), Page::acquire());
                assert!(!std::ptr::eq(&*first, &*second));
                DEPTH.set(depth);
            }
            Self(TALLY.make())
        }
    }

    within_a_minute("`new` that acquires", || {
        drop(Page::acquire());
        TALLY.check(&Page::pool().stats(), 0, 0);
        Page::pool().collect();
        assert_eq!(TALLY.alive(), 0);
    });
}

/// A `retain` that looks at the pool, as one does that keeps only a few.
#[test]
fn retain_may_ask_the_pool_how_full_it_is() {
    let _turn = turn();
    counted!(Page, TALLY, retain = |_| Page::pool().idle() < 3, max_idle = 100);

    within_a_minute("`retain` that asks for `idle`", || {
        drop((0..10).map(|_| Page::acquire()).collect::<Vec<_>>());
        let stats = Page::pool().stats();
        TALLY.check(&stats, 0, 0);
        assert!(stats.idle <= 3);
    });
}
