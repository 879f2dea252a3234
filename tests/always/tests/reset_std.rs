//! `Reset` and `LimitCapacity` of std's types: as new, with the memory kept; shrunk, with the elements kept.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell, UnsafeCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::OsString;
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, DefaultHasher, Hasher};
use std::io::Cursor;
use std::marker::{PhantomData, PhantomPinned};
use std::num::{Saturating, Wrapping};
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::ptr;
use std::sync::atomic::*;
use std::sync::{Condvar, Mutex, Once, OnceLock, RwLock};
use std::time::Duration;

use pool_runtime::{Guard, LimitCapacity, Pooled, Reset};
use tests::random::Random;
use tests::reuse::{check_limit, check_reset, check_reset_to_default};

fn text(random: &mut Random) -> String {
    "x".repeat(random.below(100))
}

fn numbers(random: &mut Random) -> Vec<u64> {
    (0..random.below(100)).map(|_| random.number()).collect()
}

fn check_memory<T: Reset + Default + Clone + PartialEq + Debug>(
    fill: impl Fn(&mut T, &mut Random),
    room: impl Fn(&T) -> usize,
) {
    check_reset(T::default, fill, T::clone, room);
}

#[test]
fn collections_are_emptied_and_keep_their_memory() {
    check_memory(|vec: &mut Vec<u64>, random| vec.extend(numbers(random)), Vec::capacity);
    check_memory(|deque: &mut VecDeque<u64>, random| deque.extend(numbers(random)), VecDeque::capacity);
    check_memory(
        |map: &mut HashMap<_, _>, random| map.extend(numbers(random).iter().map(|&n| (n, n))),
        HashMap::capacity,
    );
    check_memory(|set: &mut HashSet<u64>, random| set.extend(numbers(random)), HashSet::capacity);
    check_memory(|string: &mut String, random| string.push_str(&text(random)), String::capacity);
    check_memory(|string: &mut OsString, random| string.push(text(random)), OsString::capacity);
    check_memory(|path: &mut PathBuf, random| path.push(text(random)), PathBuf::capacity);
    check_reset(
        BinaryHeap::new,
        |heap, random| heap.extend(numbers(random)),
        |heap| heap.clone().into_sorted_vec(),
        BinaryHeap::capacity,
    );
    check_reset_to_default(|map: &mut BTreeMap<_, _>, random| map.extend(numbers(random).iter().map(|&n| (n, n))));
    check_reset_to_default(|set: &mut BTreeSet<u64>, random| set.extend(numbers(random)));
    check_reset_to_default(|list: &mut LinkedList<u64>, random| list.extend(numbers(random)));
}

#[test]
fn a_map_keeps_its_hasher() {
    #[derive(Clone, Default)]
    struct Seeded(u64);
    impl std::hash::BuildHasher for Seeded {
        type Hasher = DefaultHasher;
        fn build_hasher(&self) -> DefaultHasher {
            DefaultHasher::new()
        }
    }
    let mut map = HashMap::with_hasher(Seeded(7));
    map.insert(1, 1);
    map.reset();
    map.limit_capacity(0);
    assert_eq!((map.len(), map.capacity(), map.hasher().0), (0, 0, 7));
    let mut set = HashSet::with_hasher(Seeded(7));
    set.insert(1);
    set.reset();
    set.limit_capacity(0);
    assert_eq!((set.len(), set.capacity(), set.hasher().0), (0, 0, 7));
}

#[test]
fn plain_values_become_the_default() {
    macro_rules! numbers {
        ($($ty:ty)+) => {$(
            check_reset_to_default(|number: &mut $ty, random| *number = (random.number() | 1) as $ty);
        )+};
    }
    numbers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);
    check_reset_to_default(|number: &mut f64, random| *number = [f64::NAN, f64::NEG_INFINITY][random.below(2)]);
    check_reset_to_default(|flag: &mut bool, _| *flag = true);
    check_reset_to_default(|char: &mut char, random| *char = char::from(random.number() as u8 | 1));
    check_reset_to_default(|time: &mut Duration, random| *time = Duration::from_nanos(random.number()));
    check_reset_to_default(|text: &mut &str, _| *text = "text");
    check_reset_to_default(|slice: &mut &[u8], _| *slice = b"bytes");
    check_reset_to_default(|wrapping: &mut Wrapping<u8>, _| wrapping.0 = 1);
    check_reset_to_default(|saturating: &mut Saturating<u8>, _| saturating.0 = 1);
    check_reset_to_default(|reverse: &mut Reverse<String>, _| reverse.0.push('x'));
    check_reset_to_default(|range: &mut Range<usize>, random| *range = random.below(9)..random.below(9) + 9);
    check_reset_to_default(|option: &mut Option<String>, random| *option = Some(text(random)));
    check_reset_to_default(|cell: &mut OnceCell<u8>, _| cell.set(1).expect("it is empty"));
    check_reset_to_default(|lock: &mut OnceLock<u8>, _| lock.set(1).expect("it is empty"));
}

/// What has no state is left alone, and stays usable.
#[test]
fn values_without_state_have_a_reset() {
    let mut units = ((), PhantomData::<str>, PhantomPinned, BuildHasherDefault::<DefaultHasher>::new(), 1);
    units.reset();
    assert_eq!(units.4, 0);
    let mut condvar = Condvar::new();
    condvar.notify_all();
    condvar.reset();
    let mutex = Mutex::new(());
    let (_lock, timeout) = condvar.wait_timeout(mutex.lock().unwrap(), Duration::ZERO).unwrap();
    assert!(timeout.timed_out());
}

#[test]
fn atomics_become_zero() {
    macro_rules! numbers {
        ($($ty:ident)+) => {$(
            check_reset(
                || $ty::new(0),
                |atomic, random| *atomic.get_mut() = (random.number() | 1) as _,
                |atomic| atomic.load(Ordering::Relaxed),
                |_| 0,
            );
        )+};
    }
    numbers!(AtomicU8 AtomicI8 AtomicU16 AtomicI16 AtomicU32 AtomicI32 AtomicU64 AtomicI64 AtomicUsize AtomicIsize);
    check_reset(
        || AtomicBool::new(false),
        |atomic, _| *atomic.get_mut() = true,
        |atomic| atomic.load(Ordering::Relaxed),
        |_| 0,
    );
    check_reset(
        || AtomicPtr::new(ptr::null_mut::<u8>()),
        |atomic, _| *atomic.get_mut() = ptr::dangling_mut(),
        |atomic| atomic.load(Ordering::Relaxed),
        |_| 0,
    );
}

#[test]
fn what_holds_values_resets_each_and_keeps_their_memory() {
    let push = |string: &mut String, random: &mut Random| string.push_str(&text(random));
    check_memory(|boxed: &mut Box<String>, random| push(boxed, random), |boxed| boxed.capacity());
    check_memory(|array: &mut [String; 2], random| push(&mut array[1], random), |array| array[1].capacity());
    check_memory(|tuple: &mut (u8, String), random| push(&mut tuple.1, random), |tuple| tuple.1.capacity());
    check_memory(|cell: &mut RefCell<String>, random| push(cell.get_mut(), random), |cell| cell.borrow().capacity());
    check_memory(
        |wrapping: &mut Reverse<String>, random| push(&mut wrapping.0, random),
        |wrapping| wrapping.0.capacity(),
    );
    check_memory(
        |cursor: &mut Cursor<Vec<u64>>, random| {
            cursor.get_mut().extend(numbers(random));
            cursor.set_position(random.number());
        },
        |cursor| cursor.get_ref().capacity(),
    );
    check_reset(
        || Mutex::new(String::new()),
        |mutex, random| push(mutex.get_mut().unwrap(), random),
        |mutex| mutex.lock().unwrap().clone(),
        |mutex| mutex.lock().unwrap().capacity(),
    );
    check_reset(
        || RwLock::new(String::new()),
        |lock, random| push(lock.get_mut().unwrap(), random),
        |lock| lock.read().unwrap().clone(),
        |lock| lock.read().unwrap().capacity(),
    );
    let mut cell = Cell::new("x".repeat(100));
    cell.reset();
    assert!(cell.get_mut().is_empty() && cell.get_mut().capacity() >= 100);
    let mut cell = UnsafeCell::new("x".repeat(100));
    cell.reset();
    assert!(cell.get_mut().is_empty() && cell.get_mut().capacity() >= 100);
    let mut slice = vec!["x".repeat(100); 2].into_boxed_slice();
    slice.reset();
    assert!(slice.len() == 2 && slice.iter().all(|string| string.is_empty() && string.capacity() >= 100));
    let mut boxed: Box<dyn Reset> = Box::new(vec![1]);
    (*boxed).reset();
    let mut twelve = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    twelve.reset();
    assert_eq!(twelve, (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    let mut array = [1; 1000];
    array.reset();
    assert_eq!(array, [0; 1000]);
}

/// In a debug build a loop over so many takes 255 µs: issue 14.
#[test]
fn a_large_array_is_reset_at_once() {
    fn least<T: Reset>(mut value: T) -> Duration {
        let time = |value: &mut T| {
            let start = std::time::Instant::now();
            value.reset();
            start.elapsed()
        };
        (0..20).map(|_| time(&mut value)).min().expect("there are some")
    }
    // Half a microsecond, and five for the third; a loop takes more than 200 in a debug build.
    assert!(least(Box::new([1_u8; 65_536])) < Duration::from_micros(50));
    assert!(least(Box::new([[true; 256]; 256])) < Duration::from_micros(100));
    assert!(least(Box::new(['x'; 16_384])) < Duration::from_micros(50));
}

#[test]
fn a_cow_is_owned_after_its_reset() {
    let mut cow = Cow::Borrowed("text");
    cow.reset();
    assert!(matches!(&cow, Cow::Owned(string) if string.is_empty()));
    cow = Cow::Owned("x".repeat(100));
    cow.reset();
    assert!(matches!(&cow, Cow::Owned(string) if string.is_empty() && string.capacity() >= 100));
    let mut bytes: Cow<'static, [u8]> = Cow::Borrowed(b"bytes");
    bytes.reset();
    assert!(bytes.is_empty());
}

#[test]
fn a_hasher_and_a_once_start_anew() {
    let mut hasher = DefaultHasher::new();
    hasher.write(b"bytes");
    hasher.reset();
    assert_eq!(hasher.finish(), DefaultHasher::new().finish());
    let mut once = Once::new();
    once.call_once(|| ());
    once.reset();
    assert!(!once.is_completed());
}

#[test]
fn a_reset_cures_a_poisoned_lock() {
    let (mut mutex, mut lock) = (Mutex::new(1), RwLock::new(1));
    let poison = AssertUnwindSafe(|| {
        let _guards = (mutex.lock(), lock.write());
        panic::resume_unwind(Box::new(()));
    });
    assert!(panic::catch_unwind(poison).is_err());
    assert!(mutex.is_poisoned() && lock.is_poisoned());
    mutex.reset();
    lock.reset();
    assert_eq!(mutex.into_inner().unwrap(), 0);
    assert_eq!(lock.into_inner().unwrap(), 0);
}

/// A limit looks into a poisoned lock too, and leaves the poison to the reset.
#[test]
fn a_limit_does_not_cure_a_poisoned_lock() {
    let (mut mutex, mut lock) = (Mutex::new(vec![1; 100]), RwLock::new(vec![1; 100]));
    let poison = AssertUnwindSafe(|| {
        mutex.lock().unwrap().clear();
        lock.write().unwrap().clear();
        let _guards = (mutex.lock(), lock.write());
        panic::resume_unwind(Box::new(()));
    });
    assert!(panic::catch_unwind(poison).is_err());
    mutex.limit_capacity(10);
    lock.limit_capacity(10);
    assert_eq!(mutex.into_inner().unwrap_err().into_inner().capacity(), 10);
    assert_eq!(lock.into_inner().unwrap_err().into_inner().capacity(), 10);
}

/// A guard in a field keeps its object, and its object's memory, and resets it by the rules of its own type.
#[test]
fn a_guard_resets_its_object_and_keeps_it() {
    #[derive(Default, Pooled)]
    struct Inner {
        bytes: Vec<u8>,
        #[pooled(set = 7)]
        seven: u8,
    }
    #[derive(Pooled)]
    #[pooled(new = || Outer { inner: Inner::acquire(), spare: None })]
    struct Outer {
        inner: Guard<Inner>,
        spare: Option<Guard<Inner>>,
    }

    let mut outer = Outer::acquire();
    outer.inner.bytes.extend([1; 100]);
    outer.spare = Some(Inner::acquire());
    let address = ptr::from_ref(&*outer.inner);
    assert_eq!(Inner::pool().stats().in_use, 2);
    Outer::reset_object(&mut outer);
    assert_eq!(ptr::from_ref(&*outer.inner), address);
    assert!(outer.inner.bytes.is_empty() && outer.inner.bytes.capacity() >= 100);
    assert_eq!(outer.inner.seven, 7);
    assert_eq!(Inner::pool().stats().in_use, 1, "an option gives its guard back");
}

#[test]
fn a_limit_shrinks_and_loses_nothing() {
    fn room_for(random: &mut Random) -> usize {
        random.below(1000)
    }
    let exactly = |max| max;
    // A table is a power of two, of which seven eighths are used; the smallest is one group of the target's vectors.
    let table = |max: usize| (2 * max).max(28);
    check_limit(
        |random| {
            let mut vec = Vec::with_capacity(room_for(random));
            vec.extend(numbers(random));
            vec
        },
        |vec| (vec.len(), vec.clone()),
        Vec::capacity,
        exactly,
    );
    check_limit(
        |random| {
            let mut deque = VecDeque::with_capacity(room_for(random));
            deque.extend(numbers(random));
            deque.rotate_left(deque.len() / 2);
            deque
        },
        |deque| (deque.len(), deque.clone()),
        VecDeque::capacity,
        exactly,
    );
    check_limit(
        |random| {
            let mut heap = BinaryHeap::with_capacity(room_for(random));
            heap.extend(numbers(random));
            heap
        },
        |heap| (heap.len(), heap.clone().into_sorted_vec()),
        BinaryHeap::capacity,
        exactly,
    );
    check_limit(
        |random| {
            let mut map = HashMap::with_capacity(room_for(random));
            map.extend(numbers(random).iter().map(|&n| (n, n)));
            map
        },
        |map| (map.len(), map.clone()),
        HashMap::capacity,
        table,
    );
    check_limit(
        |random| {
            let mut set = HashSet::with_capacity(room_for(random));
            set.extend(numbers(random));
            set
        },
        |set| (set.len(), set.clone()),
        HashSet::capacity,
        table,
    );
    check_limit(
        |random| {
            let mut string = String::with_capacity(room_for(random));
            string.push_str(&text(random));
            string
        },
        |string| (string.len(), string.clone()),
        String::capacity,
        exactly,
    );
    check_limit(
        |random| {
            let mut string = OsString::with_capacity(room_for(random));
            string.push(text(random));
            string
        },
        |string| (string.len(), string.clone()),
        OsString::capacity,
        exactly,
    );
    check_limit(
        |random| {
            let mut path = PathBuf::with_capacity(room_for(random));
            path.push(text(random));
            path
        },
        |path| (path.as_os_str().len(), path.clone()),
        PathBuf::capacity,
        exactly,
    );
}

#[test]
fn a_limit_reaches_what_is_held() {
    fn vec() -> Vec<u8> {
        Vec::with_capacity(100)
    }
    let mut boxed: Box<dyn LimitCapacity> = Box::new(vec());
    boxed.limit_capacity(10);
    let mut boxed = Box::new(vec());
    boxed.limit_capacity(10);
    assert_eq!(boxed.capacity(), 10);
    let mut none: Option<Vec<u8>> = None;
    none.limit_capacity(10);
    let mut some = Some(vec());
    some.limit_capacity(10);
    assert_eq!(some.expect("it is kept").capacity(), 10);
    let mut array = [vec(), vec()];
    array.limit_capacity(10);
    assert_eq!(array.map(|vec| vec.capacity()), [10, 10]);
    let mut slice = [vec(), vec()];
    slice[..].limit_capacity(10);
    assert_eq!(slice.map(|vec| vec.capacity()), [10, 10]);
    let mut cell = RefCell::new(vec());
    cell.limit_capacity(10);
    assert_eq!(cell.into_inner().capacity(), 10);
    let mut cursor = Cursor::new(vec());
    cursor.limit_capacity(10);
    assert_eq!(cursor.into_inner().capacity(), 10);
    let mut tuple = (vec(), Some(vec()));
    tuple.limit_capacity(10);
    assert_eq!((tuple.0.capacity(), tuple.1.map(|vec| vec.capacity())), (10, Some(10)));
    let mut cow: Cow<'static, [u8]> = Cow::Owned(vec());
    cow.limit_capacity(10);
    assert!(matches!(&cow, Cow::Owned(vec) if vec.capacity() == 10));
    cow = Cow::Borrowed(b"bytes");
    cow.limit_capacity(0);
    assert_eq!(&*cow, b"bytes");
    let mut unsized_units = vec![(); 5];
    unsized_units.limit_capacity(1);
    assert_eq!(unsized_units.len(), 5);
}
