//! `Reset` and `LimitCapacity` of other crates' types: each feature of pool-runtime that has the name of a crate.

use std::hash::{BuildHasherDefault, DefaultHasher};

use arrayvec::{ArrayString, ArrayVec};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use pool_runtime::{LimitCapacity, Pooled, Reset};
use smallvec::SmallVec;
use tests::random::Random;
use tests::reuse::{check_limit, check_reset, check_reset_to_default};
use zeroize::Zeroizing;

type Hash = BuildHasherDefault<DefaultHasher>;

fn numbers(random: &mut Random) -> Vec<u64> {
    (0..random.below(100)).map(|_| random.number()).collect()
}

fn pairs(random: &mut Random) -> Vec<(u64, u64)> {
    numbers(random).iter().map(|&number| (number, number)).collect()
}

/// A number of elements to have room for.
fn room(random: &mut Random) -> usize {
    random.below(1000)
}

/// What `check_limit` allows to a table: it is a power of two, of which seven eighths are used, and no smaller than one group
/// of the target's vectors.
fn table(max: usize) -> usize {
    (2 * max).max(28)
}

#[test]
fn arrayvec_is_emptied() {
    check_reset_to_default(|vec: &mut ArrayVec<u64, 100>, random| vec.extend(numbers(random)));
    check_reset_to_default(|string: &mut ArrayString<8>, _| string.push_str("text"));
}

#[test]
fn bytes_are_emptied() {
    check_reset(
        BytesMut::new,
        |bytes, random| numbers(random).iter().for_each(|&number| bytes.put_u64(number)),
        BytesMut::clone,
        BytesMut::capacity,
    );
    check_reset_to_default(|bytes: &mut Bytes, _| *bytes = Bytes::from_static(b"bytes"));
}

/// `Bytes::clear` is not enough: an empty `Bytes` may own the whole of what it was part of.
#[test]
fn a_reset_of_bytes_releases_their_owner() {
    #[derive(Default, Pooled)]
    struct Page(Vec<u8>);
    impl AsRef<[u8]> for Page {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let mut page = Page::acquire();
    page.0.push(1);
    let mut bytes = Bytes::from_owner(page);
    assert_eq!(Page::pool().stats().in_use, 1);
    bytes.reset();
    assert!(bytes.is_empty());
    assert_eq!(Page::pool().stats().in_use, 0);
}

/// The memory before the place that was read up to is not lost: the next `reserve` finds it.
#[test]
fn what_was_read_past_comes_back_after_the_reset() {
    let mut bytes = BytesMut::with_capacity(1000);
    let memory = bytes.as_ptr();
    bytes.put_bytes(1, 900);
    bytes.advance(800);
    bytes.reset();
    assert!(bytes.is_empty() && bytes.capacity() == 200);
    bytes.reserve(1000);
    assert_eq!((bytes.as_ptr(), bytes.capacity()), (memory, 1000));
}

#[test]
fn bytes_are_limited() {
    check_limit(
        |random| {
            let mut bytes = BytesMut::with_capacity(room(random));
            numbers(random).iter().for_each(|&number| bytes.put_u64(number));
            bytes
        },
        |bytes| (bytes.len(), bytes.clone()),
        BytesMut::capacity,
        |max| max,
    );
}

/// `capacity` alone would say that these have little, while they hold a million bytes: for the pool's purpose it is the memory
/// that counts.
#[test]
fn bytes_that_were_read_past_are_limited() {
    let by_advance = |bytes: &mut BytesMut| bytes.advance(1_000_000);
    let by_split = |bytes: &mut BytesMut| drop(bytes.split_to(1_000_000));
    for read in [by_advance, by_split] {
        let mut bytes = BytesMut::with_capacity(1_000_100);
        bytes.put_bytes(1, 1_000_000);
        bytes.put_bytes(2, 10);
        read(&mut bytes);
        assert_eq!(bytes.capacity(), 100);
        bytes.limit_capacity(500);
        assert_eq!(&bytes[..], [2; 10]);
        assert_eq!(bytes.capacity(), 500);
        assert!(!bytes.try_reclaim(1000), "the million is still there");
    }
}

/// Within the limit nothing moves, and what others share is not copied.
#[test]
fn bytes_within_the_limit_stay_where_they_are() {
    let mut bytes = BytesMut::with_capacity(100);
    let memory = bytes.as_ptr();
    for max in [100, 1000, usize::MAX] {
        bytes.limit_capacity(max);
        assert_eq!((bytes.as_ptr(), bytes.capacity()), (memory, 100));
    }
    bytes.put_bytes(1, 60);
    let front = bytes.split();
    bytes.limit_capacity(50);
    assert_eq!((bytes.as_ptr(), bytes.capacity()), (memory.wrapping_add(60), 40));
    assert_eq!(&front[..], [1; 60]);
}

#[test]
fn hashbrown_is_emptied_and_keeps_its_memory() {
    use hashbrown::{HashMap, HashSet, HashTable};

    type Map = HashMap<u64, u64, Hash>;
    type Set = HashSet<u64, Hash>;
    check_reset(Map::default, |map, random| map.extend(pairs(random)), Map::clone, Map::capacity);
    check_reset(Set::default, |set, random| set.extend(numbers(random)), Set::clone, Set::capacity);
    check_reset(
        HashTable::new,
        |table: &mut HashTable<u64>, random| {
            for number in numbers(random) {
                table.insert_unique(number, number, |&number| number);
            }
        },
        |table| table.iter().copied().collect::<Vec<_>>(),
        HashTable::capacity,
    );
}

#[test]
fn hashbrown_is_limited() {
    use hashbrown::{HashMap, HashSet};

    check_limit(
        |random| {
            let mut map = HashMap::with_capacity_and_hasher(room(random), Hash::default());
            map.extend(pairs(random));
            map
        },
        |map| (map.len(), map.clone()),
        HashMap::capacity,
        table,
    );
    check_limit(
        |random| {
            let mut set = HashSet::with_capacity_and_hasher(room(random), Hash::default());
            set.extend(numbers(random));
            set
        },
        |set| (set.len(), set.clone()),
        HashSet::capacity,
        table,
    );
}

#[test]
fn heapless_is_emptied() {
    use heapless::binary_heap::Max;
    use heapless::{BinaryHeap, Deque, HistoryBuf, IndexMap, IndexSet, LinearMap, String, Vec};

    check_reset_to_default(|vec: &mut Vec<u64, 100>, random| vec.extend(numbers(random)));
    check_reset_to_default(|vec: &mut Vec<u64, 100, u8>, random| vec.extend(numbers(random)));
    check_reset_to_default(|string: &mut String<8>, _| string.push_str("text").expect("it fits"));
    check_reset_to_default(|deque: &mut Deque<u64, 100>, random| deque.extend(numbers(random)));
    check_reset_to_default(|map: &mut IndexMap<u64, u64, Hash, 128>, random| map.extend(pairs(random)));
    check_reset_to_default(|set: &mut IndexSet<u64, Hash, 128>, random| set.extend(numbers(random)));
    check_reset_to_default(|buffer: &mut HistoryBuf<u64, 10>, random| buffer.extend(numbers(random)));
    check_reset_to_default(|map: &mut LinearMap<u64, u64, 100>, random| {
        for (key, value) in pairs(random) {
            map.insert(key, value).expect("it fits");
        }
    });
    check_reset(
        BinaryHeap::new,
        |heap: &mut BinaryHeap<u64, Max, 100>, random| {
            for number in numbers(random) {
                heap.push(number).expect("it fits");
            }
        },
        |heap| heap.iter().copied().collect::<std::vec::Vec<_>>(),
        |_| 0,
    );
}

#[test]
fn indexmap_is_emptied_and_keeps_its_memory() {
    type Map = indexmap::IndexMap<u64, u64, Hash>;
    type Set = indexmap::IndexSet<u64, Hash>;
    check_reset(Map::default, |map, random| map.extend(pairs(random)), Map::clone, Map::capacity);
    check_reset(Set::default, |set, random| set.extend(numbers(random)), Set::clone, Set::capacity);
}

#[test]
fn indexmap_is_limited() {
    use indexmap::{IndexMap, IndexSet};

    check_limit(
        |random| {
            let mut map = IndexMap::with_capacity_and_hasher(room(random), Hash::default());
            map.extend(pairs(random));
            map
        },
        |map| (map.len(), map.as_slice().iter().map(|(&key, &value)| (key, value)).collect::<Vec<_>>()),
        IndexMap::capacity,
        table,
    );
    check_limit(
        |random| {
            let mut set = IndexSet::with_capacity_and_hasher(room(random), Hash::default());
            set.extend(numbers(random));
            set
        },
        |set| (set.len(), set.iter().copied().collect::<Vec<_>>()),
        IndexSet::capacity,
        table,
    );
}

#[test]
fn smallvec_is_emptied_and_keeps_its_memory() {
    type Small = SmallVec<[u64; 10]>;
    check_reset(Small::new, |vec, random| vec.extend(numbers(random)), Small::clone, Small::capacity);
}

/// What is inline has no capacity to give back, and a limit below it moves elements inline.
#[test]
fn smallvec_is_limited() {
    type Small = SmallVec<[u64; 10]>;
    check_limit(
        |random| {
            let mut vec = Small::with_capacity(room(random));
            vec.extend(numbers(random));
            vec
        },
        |vec| (vec.len(), vec.clone()),
        Small::capacity,
        |max| max.max(10),
    );
    let mut inline = Small::from_slice(&[1, 2]);
    inline.limit_capacity(0);
    assert_eq!((inline.as_slice(), inline.capacity(), inline.spilled()), (&[1, 2][..], 10, false));
    let mut spilled = Small::with_capacity(100);
    spilled.push(1);
    spilled.limit_capacity(5);
    assert_eq!((spilled.as_slice(), spilled.capacity(), spilled.spilled()), (&[1][..], 10, false));
    let mut full = Small::from_vec(vec![1; 100]);
    let memory = full.as_ptr();
    full.limit_capacity(50);
    assert_eq!((full.as_ptr(), full.len()), (memory, 100), "it is as small as it can be");
}

#[test]
fn zeroizing_is_wiped_and_keeps_its_memory() {
    type Secret = Zeroizing<Vec<u8>>;
    check_reset(
        Secret::default,
        |secret, random| secret.resize(random.below(100), 7),
        |secret| secret.to_vec(),
        |secret| secret.capacity(),
    );
    let mut key = Zeroizing::new([7_u8; 32]);
    key.reset();
    assert_eq!(*key, [0; 32]);
    // The whole memory is wiped, and not what is in use alone.
    let mut secret = Zeroizing::new(vec![7_u8; 100]);
    secret.truncate(1);
    secret.reset();
    secret.spare_capacity_mut().iter_mut().for_each(|byte| {
        // SAFETY: all of the capacity was written: with sevens, and then by the wipe.
        assert_eq!(unsafe { byte.assume_init() }, 0);
    });
    assert_eq!(secret.spare_capacity_mut().len(), 100);
}

#[test]
fn zeroizing_is_limited() {
    check_limit(
        |random| {
            let mut secret = Vec::with_capacity(room(random));
            secret.extend(numbers(random));
            Zeroizing::new(secret)
        },
        |secret| (secret.len(), secret.to_vec()),
        |secret| secret.capacity(),
        |max| max,
    );
}
