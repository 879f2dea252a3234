//! Secrets: what is marked `zeroize` is wiped on every way on which a pool drops an object, and in one that is idle. In a
//! binary of its own, for its allocator, which looks into all memory that is freed.
//!
//! (Filed as `wipe`: what was dropped in `off`, while unwinding or by `discard` had its key in it.)

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::{Duration, Instant};
use std::{iter, mem, ptr, slice, thread};

use pool_runtime::{Backend, Collector, Guard, Pool, Pooled, Reset};
use zeroize::Zeroize;

/// What every secret here begins with. The number behind it says whose it is.
const MARK: [u8; 7] = *b"SECRET:";

/// How often memory was freed that had a secret in it, by the secret's number.
static FREED: [AtomicUsize; 256] = [const { AtomicUsize::new(0) }; 256];

/// The system's allocator. A reallocation is an allocation, a copy and a deallocation.
struct Looking;

#[global_allocator]
static LOOKING: Looking = Looking;

// SAFETY: each call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        for number in secrets(pointer, layout.size()) {
            FREED[usize::from(number)].fetch_add(1, Relaxed);
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The numbers of the secrets in this memory, which no thread writes to meanwhile.
fn secrets(pointer: *const u8, len: usize) -> impl Iterator<Item = u8> {
    // What was never written is whatever it is.
    // SAFETY: the caller has the memory, and these are bytes of it.
    let byte = move |place: usize| unsafe { pointer.wrapping_add(place).read_volatile() };
    (0..len.saturating_sub(MARK.len()))
        .filter(move |&start| (0..MARK.len()).all(|i| byte(start + i) == MARK[i]))
        .map(move |start| byte(start + MARK.len()))
}

fn secret(number: u8) -> [u8; 32] {
    let mut secret = [0xAA; 32];
    secret[..MARK.len()].copy_from_slice(&MARK);
    secret[MARK.len()] = number;
    secret
}

/// How often memory has been freed with this secret in it.
fn freed(number: u8) -> usize {
    FREED[usize::from(number)].load(Relaxed)
}

/// What a session may be made of, with the secret in each of its places.
trait Secretive: Pooled {
    const NUMBER: u8;
    fn fill(&mut self);
    fn used() -> Guard<Self> {
        let mut session = Self::acquire();
        session.fill();
        session
    }
}

/// A vector with the secret in its length and in its spare capacity.
fn token(number: u8) -> Vec<u8> {
    let mut token = Vec::with_capacity(96);
    token.extend_from_slice(&secret(number));
    token.extend_from_slice(&secret(number));
    token.truncate(32);
    token
}

#[derive(Reset, Default)]
struct Inner {
    #[pooled(zeroize)]
    key: [u8; 32],
    uses: u32,
}

/// Declares a type with secrets: beside fields, and as deep as a reset goes.
macro_rules! session {
    ($name:ident = $number:literal, $(#[$keys:meta])* { $($(#[$field_keys:meta])* $field:ident: $ty:ty),* }) => {
        #[derive(Default, Pooled)]
        $(#[$keys])*
        struct $name {
            $($(#[$field_keys])* $field: $ty,)*
            #[pooled(zeroize)]
            key: [u8; 32],
            #[pooled(zeroize)]
            token: Vec<u8>,
            #[pooled(zeroize)]
            maybe: Option<String>,
            inner: Inner,
            deeper: (Box<Inner>, [std::sync::Mutex<Inner>; 2]),
        }
        impl $name {
            #[allow(dead_code)]
            fn filled() -> Self {
                let mut session = Self::default();
                session.fill();
                session
            }
        }
        impl Secretive for $name {
            const NUMBER: u8 = $number;
            fn fill(&mut self) {
                self.key = secret($number);
                self.token = token($number);
                self.maybe = Some(String::from_utf8_lossy(&secret($number)[..8]).into_owned());
                self.inner.key = secret($number);
                self.inner.uses += 1;
                self.deeper.0.key = secret($number);
                self.deeper.1[1].get_mut().unwrap().key = secret($number);
            }
        }
    };
}

#[track_caller]
fn none_freed<T: Secretive>() {
    assert_eq!(freed(T::NUMBER), 0, "memory was freed with a secret in it");
}

#[test]
fn these_tests_see_what_is_freed_with_a_secret_in_it() {
    session!(Session = 1, {});
    // `into_inner` hands it on, and this test does not wipe it.
    let session = Guard::into_inner(Session::used());
    assert_eq!((session.key, &session.token[..]), (secret(1), &secret(1)[..]));
    // The box that it was in.
    assert!(freed(1) > 0);
    let before = freed(1);
    drop(session.token);
    assert_eq!(freed(1), before + 2);
}

#[test]
fn what_is_handed_on_is_whole() {
    session!(Session = 2, {});
    assert_eq!(Guard::into_box(Session::used()).key, secret(2));
    assert_eq!(Guard::leak(Session::used()).key, secret(2));
}

/// The bytes of the object, and those of what it has on the heap.
#[test]
fn an_idle_object_has_no_secret_in_its_memory() {
    let count = |(pointer, len)| secrets(pointer, len).count();
    session!(Session = 3, {});
    if pool_runtime::backend() == Backend::Off {
        println!("not looked at: nothing is idle with POOL_BACKEND=off");
        return;
    }
    // More than once with `pool_chaos`, which drops a quarter of what is released.
    let kept = iter::repeat_with(|| {
        let session = Session::used();
        let object: *const Session = &*session;
        let places = [
            (object.cast::<u8>(), mem::size_of::<Session>()),
            (session.token.as_ptr(), session.token.capacity()),
            ((&raw const *session.deeper.0).cast::<u8>(), mem::size_of::<Inner>()),
        ];
        assert_eq!(places.map(count), [3, 2, 1]);
        drop(session);
        places
    });
    let places = kept.take(100).find(|_| Session::pool().idle() == 1).expect("an object is kept");
    assert_eq!(places.map(count), [0; 3]);
    none_freed::<Session>();
}

#[test]
fn released() {
    session!(Session = 4, {});
    (0..100).for_each(|_| drop(Session::used()));
    none_freed::<Session>();
}

#[test]
fn above_the_bound() {
    session!(
        Session = 5,
        #[pooled(max_idle = 0)]
        {}
    );
    drop(Session::used());
    let dropped = Session::pool().stats().dropped;
    // By `retain` with `pool_chaos`.
    assert_eq!(dropped.bound + dropped.off + dropped.retain, 1);
    none_freed::<Session>();
}

#[test]
fn refused_by_retain() {
    session!(
        Session = 6,
        #[pooled(retain = |_| false)]
        {}
    );
    drop(Session::used());
    none_freed::<Session>();
}

#[test]
fn discarded() {
    session!(Session = 7, {});
    Guard::discard(Session::used());
    none_freed::<Session>();
}

#[test]
fn dropped_while_unwinding() {
    session!(Session = 8, {});
    let unwound = catch_unwind(|| {
        let _session = Session::used();
        resume_unwind(Box::new(()));
    });
    assert!(unwound.is_err());
    none_freed::<Session>();
}

/// The fields before the one that panics are wiped by the reset, those behind it are not.
#[test]
fn dropped_by_a_reset_that_panics() {
    session!(Session = 9, { #[pooled(with = |_| resume_unwind(Box::new(())))] bad: u8 });
    assert!(catch_unwind(AssertUnwindSafe(|| drop(Session::used()))).is_err() || is_off());
    none_freed::<Session>();
}

#[test]
fn dropped_by_a_retain_that_panics() {
    session!(
        Session = 10,
        #[pooled(retain = |_| resume_unwind(Box::new(())))]
        {}
    );
    assert!(catch_unwind(AssertUnwindSafe(|| drop(Session::used()))).is_err() || is_off());
    none_freed::<Session>();
}

fn is_off() -> bool {
    pool_runtime::backend() == Backend::Off
}

/// Objects that `new` has put a secret into, and that were never reset.
#[test]
fn collected_aged_and_above_a_lowered_bound() {
    session!(
        Collected = 11,
        #[pooled(new = Collected::filled)]
        {}
    );
    session!(
        Aged = 12,
        #[pooled(new = Aged::filled)]
        {}
    );
    session!(
        Lowered = 13,
        #[pooled(new = Lowered::filled)]
        {}
    );
    let made = if is_off() { 0 } else { 3 };
    assert_eq!([Collected::prefill(3), Aged::prefill(3), Lowered::prefill(3)], [made; 3]);
    Collected::pool().collect();
    Aged::pool().age();
    Aged::pool().age();
    Lowered::pool().set_max_idle(0);
    for pool in [Collected::pool().stats(), Aged::pool().stats(), Lowered::pool().stats()] {
        assert_eq!(pool.dropped.total(), made as u64);
    }
    none_freed::<Collected>();
    none_freed::<Aged>();
    none_freed::<Lowered>();
}

/// On its own thread.
#[test]
fn aged_by_a_collector() {
    session!(
        Session = 14,
        #[pooled(new = Session::filled)]
        {}
    );
    let made = Session::prefill(3) as u64;
    let collector = Collector::builder().interval(Duration::from_millis(1)).start().unwrap();
    while Session::pool().stats().dropped.age < made {
        thread::yield_now();
    }
    drop(collector);
    none_freed::<Session>();
}

/// Where all lists are in other threads' hands. There is one list per slot, so this is rare.
#[test]
fn dropped_where_all_lists_are_busy() {
    session!(
        Session = 15,
        #[pooled(local = 0)]
        {}
    );
    let deadline = Instant::now() + Duration::from_secs(1);
    let busy = || Session::pool().stats().dropped.busy;
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while busy() == 0 && Instant::now() < deadline {
                    (0..100).for_each(|_| drop(Session::used()));
                }
            });
        }
    });
    println!("{} dropped as busy", busy());
    none_freed::<Session>();
}

/// A buffer that is shrunk moves, and leaves its old memory to the allocator.
#[test]
fn shrunk_by_a_limit() {
    #[derive(Default, Pooled)]
    struct Session {
        #[pooled(zeroize, max_capacity = 16)]
        token: Vec<u8>,
    }
    let mut session = Session::acquire();
    session.token = token(16);
    drop(session);
    assert_eq!(freed(16), 0);
}

#[test]
fn every_shape_is_wiped() {
    #[derive(Default, Pooled)]
    struct Tuple(#[pooled(zeroize)] [u8; 32], u8, #[pooled(zeroize)] Vec<u8>);
    #[derive(Pooled)]
    enum State {
        #[pooled(default)]
        Open {
            #[pooled(zeroize)]
            key: [u8; 32],
            inner: Inner,
            #[pooled(zeroize)]
            token: Vec<u8>,
        },
        #[allow(dead_code)]
        Closed,
    }
    #[derive(Default, Pooled)]
    #[pooled(instances(Generic<[u8; 32]>))]
    struct Generic<T> {
        #[pooled(zeroize)]
        secret: T,
    }
    #[derive(Reset)]
    enum InnerState {
        #[pooled(default)]
        Open(#[pooled(zeroize)] [u8; 32]),
    }
    #[derive(Pooled)]
    #[pooled(new = || Outer { state: InnerState::Open([0; 32]) })]
    struct Outer {
        state: InnerState,
    }

    Guard::discard(Tuple::adopt(Tuple(secret(17), 1, token(17))));
    let mut state = State::acquire();
    if let State::Open { key, inner, token } = &mut *state {
        *key = secret(17);
        inner.key = secret(17);
        *token = self::token(17);
    }
    Guard::discard(state);
    Guard::discard(Generic::adopt(Generic { secret: secret(17) }));
    let mut outer = Outer::acquire();
    let InnerState::Open(key) = &mut outer.state;
    *key = secret(17);
    Guard::discard(outer);
    assert_eq!(freed(17), 0);
}

/// The object is dropped all the same, and once.
#[test]
fn a_wipe_that_panics() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Session;
    impl Drop for Session {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }
    impl Pooled for Session {
        fn pool() -> &'static Pool<Self> {
            static POOL: Pool<Session> = Pool::new("session");
            &POOL
        }
        fn create_object() -> Self {
            Self
        }
        fn reset_object(_: &mut Self) {}
        fn wipe_object(_: &mut Self) {
            resume_unwind(Box::new("no wipe"));
        }
    }
    assert!(catch_unwind(|| Guard::discard(Session::acquire())).is_err());
    assert_eq!(DROPPED.load(Relaxed), 1);
    let made = Session::prefill(3);
    assert_eq!(catch_unwind(|| Session::pool().collect()).is_err(), made > 0);
    assert_eq!(DROPPED.load(Relaxed), 1 + made);
}

/// Written by hand: a guard that finds no pool ends all the same.
#[test]
fn a_pool_that_panics() {
    static PANICS: AtomicBool = AtomicBool::new(false);
    struct Session([u8; 32]);
    impl Pooled for Session {
        fn pool() -> &'static Pool<Self> {
            static POOL: Pool<Session> = Pool::new("session");
            if PANICS.load(Relaxed) {
                resume_unwind(Box::new("no pool"));
            }
            &POOL
        }
        fn create_object() -> Self {
            Self([0; 32])
        }
        fn reset_object(_: &mut Self) {}
        fn wipe_object(session: &mut Self) {
            session.0.zeroize();
        }
    }
    let ways: [fn(Guard<Session>); 3] = [drop, Guard::discard, |session| drop(Guard::into_box(session))];
    for way in ways {
        PANICS.store(false, Relaxed);
        let mut session = Session::acquire();
        session.0 = secret(20);
        PANICS.store(true, Relaxed);
        assert!(catch_unwind(AssertUnwindSafe(|| way(session))).is_err());
    }
    assert_eq!(freed(20), 0);
}

/// `Drop` finds nothing.
#[test]
fn an_object_is_wiped_before_its_drop() {
    #[derive(Default, Pooled)]
    struct Session(#[pooled(zeroize)] [u8; 32]);
    impl Drop for Session {
        fn drop(&mut self) {
            assert_eq!(self.0, [0; 32]);
        }
    }
    Guard::discard(Session::adopt(Session(secret(18))));
    assert_eq!(freed(18), 0);
}

/// A type of the user's that has its own way of being wiped.
#[test]
fn the_key_calls_the_types_own_zeroize() {
    #[derive(Default)]
    struct Key(Box<[u8]>);
    impl Zeroize for Key {
        fn zeroize(&mut self) {
            // SAFETY: the bytes of the box.
            let bytes = unsafe { slice::from_raw_parts_mut(self.0.as_mut_ptr(), self.0.len()) };
            bytes.iter_mut().for_each(|byte| *byte = 0xFF);
        }
    }
    #[derive(Default, Pooled)]
    struct Session(#[pooled(zeroize)] Key);
    let session = Session::adopt(Session(Key(Box::new(secret(19)))));
    let place = ptr::from_ref(&session.0.0[0]);
    assert_eq!(secrets(place, 32).count(), 1);
    Guard::discard(session);
    assert_eq!(freed(19), 0);
}
