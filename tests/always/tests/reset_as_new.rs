//! Every `Reset` of ours, in one property: a value is made dirty in each way that safe code has, alone and one after another, reset,
//! and equals a new one in everything that can be observed, with its memory kept where the table of `Reset` says so.
//!
//! The last test reads the sources: an impl that is not tried here fails it.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell, UnsafeCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::convert::Infallible;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fmt::{self, Debug};
use std::hash::{BuildHasherDefault, DefaultHasher, Hasher};
use std::io::{self, Cursor, Read, Write};
use std::marker::{PhantomData, PhantomPinned};
use std::mem::{ManuallyDrop, MaybeUninit, forget};
use std::num::{Saturating, Wrapping};
use std::ops::{Bound, Range, RangeFrom, RangeTo};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::*;
use std::sync::{Arc, Condvar, Mutex, Once, OnceLock, RwLock};
use std::time::Duration;
use std::{ptr, rc, sync, vec};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use pool_runtime::{Guard, Pooled, Reset};
use smallvec::SmallVec;
use tests::random::Random;
use zeroize::Zeroizing;

const SEEDS: u64 = 60;

type Dirt<T> = fn(&mut T, &mut Random);

/// Makes a value dirty in each of the ways, in random order and number, and resets it.
fn check<T: Reset, V: PartialEq + Debug>(
    name: &str,
    new: fn() -> T,
    dirt: &[Dirt<T>],
    view: fn(&mut T) -> V,
    room: fn(&T) -> usize,
) {
    let fresh = view(&mut new());
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let mut value = new();
        for round in 0..3 {
            // Each way alone at first.
            let ways = if dirt.is_empty() { 0 } else { 1 + random.below(if round == 0 { 1 } else { 3 }) };
            let mut used = vec![];
            for _ in 0..ways {
                let way = if round == 0 { seed as usize % dirt.len() } else { random.below(dirt.len()) };
                dirt[way](&mut value, &mut random);
                used.push(way);
            }
            let before = room(&value);
            value.reset();
            let after = room(&value);
            assert!(after >= before, "{name}, seed {seed}, dirt {used:?}: has room for {after}, and had for {before}");
            assert_eq!(view(&mut value), fresh, "{name}, seed {seed}, dirt {used:?}: not as new");
        }
    }
}

/// `name: type, a new one, [ways to make it dirty], what can be seen of it, room that is kept;`
macro_rules! check {
    ($($name:literal: $ty:ty, $new:expr, [$($dirt:expr),* $(,)?], $view:expr $(, $room:expr)?;)+) => {{
        $({
            let dirt: &[Dirt<$ty>] = &[$($dirt),*];
            #[allow(unused_mut, unused_assignments)]
            let mut room: fn(&$ty) -> usize = |_| 0;
            $(room = $room;)?
            check(concat!($name, " as ", stringify!($ty)), $new, dirt, $view, room);
        })+
        &[$($name),+]
    }};
}

fn numbers(random: &mut Random) -> Vec<u64> {
    (0..1 + random.below(60)).map(|_| random.number()).collect()
}

fn pairs(random: &mut Random) -> Vec<(u64, u64)> {
    numbers(random).into_iter().map(|n| (n, n)).collect()
}

fn text(random: &mut Random) -> String {
    "x".repeat(1 + random.below(60))
}

/// Runs it, and unwinds out of it.
fn unwind(run: impl FnOnce()) {
    let run = AssertUnwindSafe(|| {
        run();
        resume_unwind(Box::new(()));
    });
    assert!(catch_unwind(run).is_err());
}

/// What can be seen of a mutex.
fn mutex_view(mutex: &mut Mutex<String>) -> (bool, Result<String, String>) {
    let locked = match mutex.try_lock() {
        Ok(value) => Ok(value.clone()),
        Err(error) => Err(error.to_string()),
    };
    (mutex.is_poisoned(), locked)
}

fn rwlock_view(lock: &mut RwLock<String>) -> (bool, Result<String, String>, bool) {
    let read = match lock.try_read() {
        Ok(value) => Ok(value.clone()),
        Err(error) => Err(error.to_string()),
    };
    (lock.is_poisoned(), read, lock.try_write().is_ok())
}

/// A pooled object that is in a field.
#[derive(Default, Pooled)]
struct Line {
    bytes: Vec<u8>,
    #[pooled(set = 7)]
    seven: u8,
}

/// A slice, which has a size here.
#[derive(Default)]
struct Four([String; 4]);

impl Reset for Four {
    fn reset(&mut self) {
        self.0[..].reset();
    }
}

type Hash = BuildHasherDefault<DefaultHasher>;

fn std_types() -> &'static [&'static str] {
    check! {
        "Vec": Vec<u64>, Vec::new, [
            |vec, random| vec.extend(numbers(random)),
            |vec, random| { vec.extend(numbers(random)); forget(vec.drain(1..)) },
            |vec, random| *vec = numbers(random),
        ], |vec| vec.clone(), Vec::capacity;
        "VecDeque": VecDeque<u64>, VecDeque::new, [
            |deque, random| deque.extend(numbers(random)),
            |deque, random| numbers(random).into_iter().for_each(|n| deque.push_front(n)),
            |deque, random| { deque.extend(numbers(random)); forget(deque.drain(1..)) },
        ], |deque| (deque.clone(), deque.as_slices().0.len()), VecDeque::capacity;
        "BinaryHeap": BinaryHeap<u64>, BinaryHeap::new, [
            |heap, random| heap.extend(numbers(random)),
            |heap, random| { heap.extend(numbers(random)); let mut top = heap.peek_mut().unwrap(); *top = 0; forget(top) },
            |heap, random| { heap.extend(numbers(random)); forget(heap.drain()) },
        ], |heap| heap.clone().into_sorted_vec(), BinaryHeap::capacity;
        "LinkedList": LinkedList<u64>, LinkedList::new, [|list, random| list.extend(numbers(random))], |list| list.clone();
        "HashMap": HashMap<u64, u64>, HashMap::new, [
            |map, random| map.extend(pairs(random)),
            |map, random| { map.extend(pairs(random)); forget(map.drain()) },
            |map, random| { let n = random.number(); *map.entry(n).or_default() += 1 },
        ], |map| map.clone(), HashMap::capacity;
        "HashSet": HashSet<u64>, HashSet::new, [
            |set, random| set.extend(numbers(random)),
            |set, random| { set.extend(numbers(random)); forget(set.drain()) },
        ], |set| set.clone(), HashSet::capacity;
        "BTreeMap": BTreeMap<u64, u64>, BTreeMap::new, [|map, random| map.extend(pairs(random))], |map| map.clone();
        "BTreeSet": BTreeSet<u64>, BTreeSet::new, [|set, random| set.extend(numbers(random))], |set| set.clone();
        "String": String, String::new, [
            |string, random| string.push_str(&text(random)),
            |string, random| { string.push_str(&text(random)); forget(string.drain(1..)) },
        ], |string| string.clone(), String::capacity;
        "OsString": OsString, OsString::new, [|string, random| string.push(text(random))], |string| string.clone(), OsString::capacity;
        "PathBuf": PathBuf, PathBuf::new, [
            |path, random| path.push(text(random)),
            |path, _| path.push("/absolute"),
            |path, _| { path.push("a.b"); path.set_extension("c"); },
        ], |path| path.clone(), PathBuf::capacity;
        "()": (), || (), [], |_| 0;
        "Duration": Duration, || Duration::ZERO, [|time, random| *time = Duration::from_nanos(random.number())], |time| *time;
        "bool": bool, || false, [|flag, _| *flag = true], |flag| *flag;
        "char": char, || '\0', [|char, random| *char = char::from(random.number() as u8)], |char| *char;
        "&str": &str, || "", [|text, _| *text = "text"], |text| *text;
        "&[T]": &[u8], || &[], [|slice, _| *slice = b"bytes"], |slice| slice.to_vec();
        "&CStr": &CStr, || c"", [|text, _| *text = c"text"], |text| text.to_owned();
        "&OsStr": &OsStr, || OsStr::new(""), [|text, _| *text = OsStr::new("text")], |text| text.to_owned();
        "&Path": &Path, || Path::new(""), [|path, _| *path = Path::new("/path")], |path| path.to_owned();
        "Box<str>": Box<str>, Box::default, [|text, _| *text = "password".into()], |text| text.clone();
        "Box<OsStr>": Box<OsStr>, Box::default, [|text, _| *text = OsString::from("text").into()], |text| text.clone();
        "Box<CStr>": Box<CStr>, Box::default, [|text, _| *text = c"text".into()], |text| text.clone();
        "Box<Path>": Box<Path>, || Path::new("").into(), [|path, _| *path = Path::new("/path").into()], |path| path.clone();
        "CString": CString, CString::default, [|text, random| *text = CString::new(self::text(random)).unwrap()], |text| text.clone();
        "DefaultHasher": DefaultHasher, DefaultHasher::new, [|hasher, random| hasher.write_u64(random.number())], |hasher| hasher.finish();
        "Once": Once, Once::new, [
            |once, _| once.call_once(|| ()),
            |once, _| unwind(|| once.call_once_force(|_| resume_unwind(Box::new(())))),
        ], |once| { let mut poisoned = None; once.call_once_force(|state| poisoned = Some(state.is_poisoned())); poisoned };
        "Condvar": Condvar, Condvar::new, [
            |condvar, _| condvar.notify_all(),
            |condvar, _| { let mutex = Mutex::new(()); drop(condvar.wait_timeout(mutex.lock().unwrap(), Duration::ZERO)) },
        ], |condvar| { let mutex = Box::new(Mutex::new(())); condvar.wait_timeout(mutex.lock().unwrap(), Duration::ZERO).is_ok() };
        "io::Empty": io::Empty, io::empty, [
            |empty, _| assert!(empty.read(&mut [0]).is_ok()),
        ], |empty| empty.read(&mut [0]).unwrap();
        "io::Sink": io::Sink, io::sink, [|sink, _| assert!(sink.write(b"bytes").is_ok())], |sink| sink.write(b"b").unwrap();
        "fmt::Error": fmt::Error, || fmt::Error, [], |error| error.to_string();
        "Option": Option<String>, || None, [|option, random| *option = Some(text(random)), |option, _| _ = option.insert(String::new())], |option| option.clone();
        "OnceCell": OnceCell<u8>, OnceCell::new, [|cell, _| _ = cell.set(1)], |cell| cell.get().copied();
        "OnceLock": OnceLock<u8>, OnceLock::new, [
            |lock, _| _ = lock.set(1),
            |lock, _| if lock.get().is_none() { unwind(|| _ = lock.get_or_init(|| resume_unwind(Box::new(())))) },
        ], |lock| lock.get().copied();
        "Box<T>": Box<String>, Box::default, [|boxed, random| boxed.push_str(&text(random)), |boxed, random| *boxed = text(random).into()], |boxed| boxed.clone(), |boxed| boxed.capacity();
        "Pin<Box<T>>": Pin<Box<String>>, || Box::pin(String::new()), [|boxed, random| boxed.push_str(&text(random))], |boxed| boxed.clone(), |boxed| boxed.capacity();
        "[T]": Four, Four::default, [|four, random| four.0[random.below(4)].push('x')], |four| four.0.clone(), |four| four.0.iter().map(String::capacity).sum();
        "[T; N]": [u32; 300], || [0; 300], [|array, random| array[random.below(300)] = 1 + random.below(9) as u32], |array| *array;
        "[T; N]": [[bool; 9]; 9], Default::default, [|array, random| array[random.below(9)][random.below(9)] = true], |array| *array;
        "[T; N]": [f64; 9], Default::default, [|array, random| array[random.below(9)] = -0.0, |array, _| array[1] = f64::NAN], |array| array.map(f64::to_bits);
        "[T; N]": [String; 3], Default::default, [|array, random| array[random.below(3)].push('x')], |array| array.clone(), |array| array.iter().map(String::capacity).sum();
        "(A,)": (u8, String, Option<u8>), Default::default, [|tuple, _| tuple.0 = 1, |tuple, _| tuple.1.push('x'), |tuple, _| tuple.2 = Some(1)], |tuple| tuple.clone(), |tuple| tuple.1.capacity();
        "Wrapping": Wrapping<u8>, Default::default, [|number, _| *number += 200], |number| *number;
        "Saturating": Saturating<u8>, Default::default, [|number, _| *number += 200], |number| *number;
        "Reverse": Reverse<String>, Default::default, [|reverse, _| reverse.0.push('x')], |reverse| reverse.clone(), |reverse| reverse.0.capacity();
        "Range": Range<usize>, Default::default, [|range, random| *range = random.below(9)..9, |range, _| { range.end += 1; range.next(); }], |range| range.clone();
        "RangeFrom": RangeFrom<usize>, || 0.., [|range, _| _ = range.next()], |range| range.start;
        "RangeTo": RangeTo<usize>, || ..0, [|range, _| range.end = 9], |range| range.end;
        "Bound": Bound<String>, || Bound::Unbounded, [|bound, _| *bound = Bound::Included("x".into()), |bound, _| *bound = Bound::Excluded("x".into())], |bound| bound.clone();
        "Cow": Cow<'static, str>, Default::default, [
            |cow, _| *cow = Cow::Borrowed("text"),
            |cow, random| cow.to_mut().push_str(&text(random)),
        ], |cow| cow.clone().into_owned(), |cow| match cow { Cow::Owned(owned) => owned.capacity(), Cow::Borrowed(_) => 0 };
        "Cell": Cell<u8>, Default::default, [|cell, _| cell.set(1)], |cell| cell.get();
        "UnsafeCell": UnsafeCell<String>, Default::default, [|cell, _| cell.get_mut().push('x')], |cell| cell.get_mut().clone();
        "RefCell": RefCell<String>, Default::default, [
            |cell, _| cell.get_mut().push('x'),
            |cell, _| if let Ok(guard) = cell.try_borrow_mut() { forget(guard) },
            |cell, _| if let Ok(guard) = cell.try_borrow() { forget(guard) },
        ], |cell| { let shared = cell.try_borrow().is_ok(); (shared, cell.try_borrow_mut().map(|value| value.clone()).ok()) }, |cell| cell.try_borrow().map_or(0, |value| value.capacity());
        "Mutex": Mutex<String>, Default::default, [
            |mutex, _| mutex.get_mut().unwrap_or_else(|error| error.into_inner()).push('x'),
            |mutex, _| forget(mutex.try_lock()),
            |mutex, _| unwind(|| forget(mutex.try_lock().map(|mut value| value.push('x')))),
            |mutex, _| if mutex.try_lock().is_ok() { unwind(|| { let guard = Mutex::lock(mutex); resume_unwind(Box::new(guard.is_ok())) }) },
        ], mutex_view, |mutex| mutex.try_lock().map_or(0, |value| value.capacity());
        "RwLock": RwLock<String>, Default::default, [
            |lock, _| lock.get_mut().unwrap_or_else(|error| error.into_inner()).push('x'),
            |lock, _| forget(lock.try_read()),
            |lock, _| forget(lock.try_write()),
            |lock, _| if lock.try_write().is_ok() { unwind(|| { let guard = lock.write(); resume_unwind(Box::new(guard.is_ok())) }) },
        ], rwlock_view, |lock| lock.try_read().map_or(0, |value| value.capacity());
        "Cursor": Cursor<Vec<u64>>, Default::default, [
            |cursor, random| cursor.get_mut().extend(numbers(random)),
            |cursor, random| cursor.set_position(random.number()),
        ], |cursor| cursor.clone(), |cursor| cursor.get_ref().capacity();
        "Guard": Guard<Line>, || { let mut line = Line::acquire(); Line::reset_object(&mut line); line }, [
            |guard, random| guard.bytes.extend(text(random).bytes()),
            |guard, _| guard.seven = 1,
            |guard, _| { *guard = Line::acquire(); guard.seven = 2 },
        ], |guard| (guard.bytes.clone(), guard.seven), |guard| guard.bytes.capacity();
        "BuildHasherDefault": Hash, Hash::new, [], |_| 0;
        "PhantomData": PhantomData<str>, || PhantomData, [], |_| 0;
        "PhantomPinned": PhantomPinned, || PhantomPinned, [], |_| 0;
        "vec::IntoIter": vec::IntoIter<u64>, Default::default, [
            |iter, random| *iter = numbers(random).into_iter(),
            |iter, random| { *iter = numbers(random).into_iter(); iter.next(); iter.next_back(); },
        ], |iter| iter.as_slice().to_vec();
        "rc::Weak": rc::Weak<u8>, rc::Weak::new, [
            |weak, _| *weak = rc::Rc::downgrade(&rc::Rc::new(1)),
            |weak, _| { let rc = rc::Rc::new(1); *weak = rc::Rc::downgrade(&rc); forget(rc) },
        ], |weak| (weak.upgrade(), weak.weak_count(), weak.ptr_eq(&rc::Weak::new()));
        "sync::Weak": sync::Weak<u8>, sync::Weak::new, [
            |weak, _| *weak = Arc::downgrade(&Arc::new(1)),
            |weak, _| { let arc = Arc::new(1); *weak = Arc::downgrade(&arc); forget(arc) },
        ], |weak| (weak.upgrade(), weak.weak_count(), weak.ptr_eq(&sync::Weak::new()));
        "*const T": *const u8, ptr::null, [|pointer, _| *pointer = &1], |pointer| *pointer;
        "*mut T": *mut u8, ptr::null_mut, [|pointer, _| *pointer = ptr::dangling_mut()], |pointer| *pointer;
        "MaybeUninit": MaybeUninit<u8>, MaybeUninit::uninit, [|place, _| _ = place.write(1)], |_| 0;
        "ManuallyDrop": ManuallyDrop<String>, Default::default, [|string, _| string.push('x')], |string| string.clone(), |string| string.capacity();
        "AssertUnwindSafe": AssertUnwindSafe<String>, || AssertUnwindSafe(String::new()), [|string, _| string.push('x')], |string| string.0.clone(), |string| string.0.capacity();
        "AtomicBool": AtomicBool, Default::default, [|atomic, _| atomic.store(true, Ordering::Relaxed)], |atomic| *atomic.get_mut();
        "AtomicPtr": AtomicPtr<u8>, Default::default, [|atomic, _| *atomic.get_mut() = ptr::dangling_mut()], |atomic| *atomic.get_mut();
    }
}

fn number_types() -> Vec<&'static str> {
    macro_rules! numbers {
        ($($ty:ident)+) => { [$(check! { "number": $ty, Default::default, [
            |number, random| *number = (random.number() | 1) as $ty,
            |number, _| *number = $ty::MIN,
            |number, _| *number = $ty::MAX,
        ], |number| *number; }, { let _: &[&str] = &[stringify!($ty)]; &[stringify!($ty)] }),+] };
    }
    macro_rules! floats {
        ($($ty:ident)+) => { [$(check! { "float": $ty, Default::default, [
            |number, _| *number = -0.0,
            |number, _| *number = $ty::NAN,
            |number, _| *number = $ty::NEG_INFINITY,
        ], |number| number.to_bits(); }, &[stringify!($ty)]),+] };
    }
    macro_rules! atomics {
        ($($ty:ident)+) => { [$(check! { "atomic": $ty, Default::default, [
            |atomic, random| atomic.store((random.number() | 1) as _, Ordering::Relaxed),
        ], |atomic| *atomic.get_mut(); }, &[stringify!($ty)]),+] };
    }
    let mut names: Vec<&'static str> = Vec::new();
    names.extend(numbers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize).iter().flat_map(|names| names.iter()));
    names.extend(floats!(f32 f64).iter().flat_map(|names| names.iter()));
    names.extend(
        atomics!(AtomicU8 AtomicI8 AtomicU16 AtomicI16 AtomicU32 AtomicI32 AtomicU64 AtomicI64 AtomicUsize AtomicIsize)
            .iter()
            .flat_map(|names| names.iter()),
    );
    names
}

fn crate_types() -> &'static [&'static str] {
    check! {
        "ArrayVec": arrayvec::ArrayVec<u64, 60>, Default::default, [
            |vec, random| { vec.clear(); vec.extend(numbers(random)) },
            |vec, random| { vec.clear(); vec.extend(numbers(random)); forget(vec.drain(1..)) },
        ], |vec| vec.clone();
        "ArrayString": arrayvec::ArrayString<60>, Default::default, [|string, random| { string.clear(); string.push_str(&text(random)) }], |string| *string;
        "BytesMut": BytesMut, BytesMut::new, [
            |bytes, random| bytes.put_slice(text(random).as_bytes()),
            |bytes, random| { bytes.put_slice(text(random).as_bytes()); bytes.advance(1) },
            |bytes, random| { bytes.put_slice(text(random).as_bytes()); drop(bytes.split_to(1)) },
            |bytes, random| { bytes.put_slice(text(random).as_bytes()); drop(bytes.split()) },
        ], |bytes| bytes.clone(), BytesMut::capacity;
        "Bytes": Bytes, Bytes::new, [
            |bytes, _| *bytes = Bytes::from_static(b"bytes"),
            |bytes, random| *bytes = Bytes::from(text(random)).slice(1..),
        ], |bytes| (bytes.clone(), bytes.is_unique());
        "SmallVec": SmallVec<[u64; 4]>, SmallVec::new, [
            |vec, random| vec.extend(numbers(random)),
            |vec, _| vec.push(1),
            |vec, random| { vec.extend(numbers(random)); forget(vec.drain(..1)) },
        ], |vec| vec.clone(), SmallVec::capacity;
        "hashbrown::HashMap": hashbrown::HashMap<u64, u64, Hash>, Default::default, [|map, random| map.extend(pairs(random)), |map, random| { map.extend(pairs(random)); forget(map.drain()) }], |map| map.clone(), |map| map.capacity();
        "hashbrown::HashSet": hashbrown::HashSet<u64, Hash>, Default::default, [|set, random| set.extend(numbers(random)), |set, random| { set.extend(numbers(random)); forget(set.drain()) }], |set| set.clone(), |set| set.capacity();
        "hashbrown::HashTable": hashbrown::HashTable<u64>, Default::default, [|table, random| numbers(random).into_iter().for_each(|n| _ = table.insert_unique(n, n, |n| *n))], |table| table.iter().copied().collect::<Vec<_>>(), |table| table.capacity();
        "indexmap::IndexMap": indexmap::IndexMap<u64, u64, Hash>, Default::default, [
            |map, random| { map.clear(); map.extend(pairs(random)) },
            // Its own `extend` panics behind this, in a debug build: the entries are lost to the table.
            |map, random| { map.clear(); map.extend(pairs(random)); forget(map.drain(..1)) },
        ], |map| map.clone(), |map| map.capacity();
        "indexmap::IndexSet": indexmap::IndexSet<u64, Hash>, Default::default, [|set, random| set.extend(numbers(random))], |set| set.clone(), |set| set.capacity();
        "heapless::Vec": heapless::Vec<u64, 8>, Default::default, [|vec, random| _ = vec.push(random.number())], |vec| vec.clone();
        "heapless::String": heapless::String<8>, Default::default, [|string, _| _ = string.push('x')], |string| string.clone();
        "heapless::Deque": heapless::Deque<u64, 8>, Default::default, [|deque, _| _ = deque.push_back(1), |deque, _| { _ = deque.push_front(2); deque.pop_back(); _ = deque.push_front(2) }], |deque| deque.clone();
        "heapless::BinaryHeap": heapless::BinaryHeap<u64, heapless::binary_heap::Max, 8>, Default::default, [|heap, random| _ = heap.push(random.number())], |heap| heap.iter().copied().collect::<Vec<_>>();
        "heapless::LinearMap": heapless::LinearMap<u64, u64, 8>, Default::default, [|map, random| _ = map.insert(random.number(), 1)], |map| map.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>();
        "heapless::IndexMap": heapless::IndexMap<u64, u64, Hash, 8>, Default::default, [|map, random| _ = map.insert(random.number(), 1)], |map| map.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>();
        "heapless::IndexSet": heapless::IndexSet<u64, Hash, 8>, Default::default, [|set, random| _ = set.insert(random.number())], |set| set.iter().copied().collect::<Vec<_>>();
        "heapless::HistoryBuf": heapless::HistoryBuf<u64, 8>, Default::default, [|buf, random| buf.extend(numbers(random)), |buf, _| buf.write(1)], |buf| (buf.oldest_ordered().copied().collect::<Vec<_>>(), buf.recent().copied(), buf.len());
        "Zeroizing": Zeroizing<Vec<u8>>, Default::default, [|vec, random| vec.extend(text(random).bytes())], |vec| vec.to_vec(), |vec| vec.capacity();
    }
}

#[test]
fn a_reset_value_equals_a_new_one() {
    std_types();
    number_types();
    crate_types();
}

/// What is no value, or one of no size here.
#[test]
fn what_has_no_value_has_a_reset() {
    fn is_reset<T: Reset + ?Sized>() {}
    is_reset::<Infallible>();
    is_reset::<[String]>();
    is_reset::<dyn Reset>();
}

/// The head of a type as it is written: `Vec` for `Vec<T>`, `[T]` for `[T; N]`.
fn head(ty: &str) -> String {
    let ty = ty.trim().trim_start_matches("atomic::");
    if ty.starts_with(['&', '*', '[', '(']) || ty.starts_with("Box<") || ty.starts_with("Pin<") {
        return ty.to_owned();
    }
    ty.split('<').next().unwrap_or(ty).trim().to_owned()
}

/// Every impl in the sources is tried above.
#[test]
fn every_reset_of_ours_is_tried() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pool-runtime/src");
    let read = |file: &str| std::fs::read_to_string(root.join(file)).expect("the sources are here");
    let mut written = Vec::new();
    let std_source = ["reset/std_types.rs", "reset/in_place.rs", "typed/guard.rs"].map(read).concat();
    for line in std_source.lines().map(str::trim) {
        if line.starts_with("///") {
            continue;
        }
        if let Some((_, ty)) = line.split_once(" Reset for ") {
            written.push(head(ty.trim_end_matches(" {")));
        } else if let Some((_, types)) = line.strip_suffix(';').and_then(|line| line.split_once(" => ")) {
            written.extend(types.split(", ").map(head));
        } else if let Some((_, ty)) = line.strip_prefix('[').and_then(|line| line.strip_suffix(';')?.split_once("] ")) {
            written.push(head(ty));
        }
    }
    let mut module = "";
    let crates_source = read("reset/crates.rs");
    for line in crates_source.lines() {
        if let Some(name) = line.strip_prefix("mod ") {
            module = name.trim_end_matches(" {");
        }
        let line = line.trim();
        let ty = match line.split_once(" Reset for ") {
            Some((_, ty)) if !line.starts_with("//") && !line.contains("$ty") => Some(ty.trim_end_matches(" {")),
            _ => line.strip_prefix('[').and_then(|line| Some(line.strip_suffix(';')?.split_once("] ")?.1)),
        };
        if let Some(ty) = ty {
            let ambiguous = ["hashbrown", "indexmap", "heapless"].contains(&module);
            written.push(if ambiguous { format!("{module}::{}", head(ty)) } else { head(ty) });
        }
    }
    written.retain(|ty| !ty.contains('$') && ty != "Infallible");
    written.push("(A,)".to_owned());
    written.sort();
    written.dedup();
    let mut tried: Vec<&str> = [std_types(), crate_types()].concat();
    tried.extend(number_types());
    tried.retain(|name| !["number", "float", "atomic"].contains(name));
    tried.sort();
    tried.dedup();
    assert_eq!(written, tried);
}
