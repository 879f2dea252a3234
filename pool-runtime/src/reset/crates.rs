//! [`Reset`](crate::Reset) and [`LimitCapacity`](crate::LimitCapacity) for the types of other crates, each behind the feature
//! of its crate's name.

#[cfg(any(
    feature = "arrayvec",
    feature = "bytes",
    feature = "hashbrown",
    feature = "heapless",
    feature = "indexmap",
    feature = "smallvec"
))]
macro_rules! reset_by_clear {
    ($([$($params:tt)*] $ty:ty;)+) => {$(
        impl<$($params)*> crate::Reset for $ty {
            #[inline]
            fn reset(&mut self) {
                self.clear();
            }
        }
    )+};
}

#[cfg(any(feature = "hashbrown", feature = "indexmap"))]
macro_rules! limit_by_shrink_to {
    ($([$($params:tt)*] $ty:ty;)+) => {$(
        impl<$($params)*> crate::LimitCapacity for $ty {
            #[inline]
            fn limit_capacity(&mut self, max: usize) {
                self.shrink_to(max);
            }
        }
    )+};
}

#[cfg(any(feature = "hashbrown", feature = "indexmap", feature = "smallvec"))]
macro_rules! heap_bytes {
    ($([$($params:tt)*] $ty:ty, |$value:ident| $bytes:expr;)+) => {$(
        impl<$($params)*> HeapBytes for $ty {
            #[inline]
            fn heap_bytes(&self) -> usize {
                let $value = self;
                $bytes
            }
        }
    )+};
}

#[cfg(feature = "arrayvec")]
mod arrayvec {
    use arrayvec::{ArrayString, ArrayVec};

    reset_by_clear! {
        [T, const CAP: usize] ArrayVec<T, CAP>;
        [const CAP: usize] ArrayString<CAP>;
    }
}

#[cfg(feature = "bytes")]
mod bytes {
    use bytes::{Bytes, BytesMut};

    use crate::{HeapBytes, LimitCapacity, Reset};

    reset_by_clear! {
        [] BytesMut;
    }

    /// `Bytes::clear` would keep the share of the memory.
    impl Reset for Bytes {
        #[inline]
        fn reset(&mut self) {
            *self = Bytes::new();
        }
    }

    /// Shared memory counts for each handle, as far as that handle may write to it.
    impl HeapBytes for BytesMut {
        #[inline]
        fn heap_bytes(&self) -> usize {
            self.capacity()
        }
    }

    /// `capacity` counts from the place that was read up to. The memory before that place counts too, and `try_reclaim` finds it. Memory that is
    /// shared with a part that was split off stays shared, and counts as far as this handle may write to it.
    impl LimitCapacity for BytesMut {
        fn limit_capacity(&mut self, max: usize) {
            let max = max.max(self.len());
            let Some(excess) = (max - self.len()).checked_add(1) else {
                return;
            };
            if self.try_reclaim(excess) {
                let mut smaller = BytesMut::with_capacity(max);
                smaller.extend_from_slice(self);
                *self = smaller;
            }
        }
    }
}

#[cfg(feature = "hashbrown")]
mod hashbrown {
    use core::hash::{BuildHasher, Hash};

    use hashbrown::{HashMap, HashSet, HashTable};

    use crate::HeapBytes;

    reset_by_clear! {
        [K, V, S] HashMap<K, V, S>;
        [T, S] HashSet<T, S>;
        [T] HashTable<T>;
    }

    heap_bytes! {
        [K: Eq + Hash, V, S: BuildHasher] HashMap<K, V, S>, |map| map.allocation_size();
        [T: Eq + Hash, S: BuildHasher] HashSet<T, S>, |set| set.allocation_size();
        [T] HashTable<T>, |table| table.allocation_size();
    }

    // A `HashTable` does not know the hashes that it needs to move its elements.
    limit_by_shrink_to! {
        [K: Eq + Hash, V, S: BuildHasher] HashMap<K, V, S>;
        [T: Eq + Hash, S: BuildHasher] HashSet<T, S>;
    }
}

#[cfg(feature = "heapless")]
mod heapless {
    use core::hash::{BuildHasher, Hash};

    use heapless::{BinaryHeap, Deque, HistoryBuf, IndexMap, IndexSet, LenType, LinearMap, String, Vec, binary_heap};

    reset_by_clear! {
        [T, LenT: LenType, const N: usize] Vec<T, N, LenT>;
        [LenT: LenType, const N: usize] String<N, LenT>;
        [T, const N: usize] Deque<T, N>;
        [T: Ord, K: binary_heap::Kind, const N: usize] BinaryHeap<T, K, N>;
        [K: Eq, V, const N: usize] LinearMap<K, V, N>;
        [K: Eq + Hash, V, S: BuildHasher, const N: usize] IndexMap<K, V, S, N>;
        [T: Eq + Hash, S: BuildHasher, const N: usize] IndexSet<T, S, N>;
        [T, const N: usize] HistoryBuf<T, N>;
    }
}

#[cfg(feature = "indexmap")]
mod indexmap {
    use indexmap::{IndexMap, IndexSet};

    use crate::HeapBytes;
    use crate::reset::heap::table;

    reset_by_clear! {
        [K, V, S] IndexMap<K, V, S>;
        [T, S] IndexSet<T, S>;
    }

    // The entries, each with its hash, and a table of their places.
    heap_bytes! {
        [K, V, S] IndexMap<K, V, S>, |map| map.capacity() * size_of::<(usize, K, V)>() + table(map.capacity(), size_of::<usize>());
        [T, S] IndexSet<T, S>, |set| set.capacity() * size_of::<(usize, T)>() + table(set.capacity(), size_of::<usize>());
    }

    limit_by_shrink_to! {
        [K, V, S] IndexMap<K, V, S>;
        [T, S] IndexSet<T, S>;
    }
}

#[cfg(feature = "smallvec")]
mod smallvec {
    use smallvec::{Array, SmallVec};

    use crate::{HeapBytes, LimitCapacity};

    reset_by_clear! {
        [A: Array] SmallVec<A>;
    }

    heap_bytes! {
        [A: Array] SmallVec<A>, |vec| if vec.spilled() { vec.capacity() * size_of::<A::Item>() } else { 0 };
    }

    impl<A: Array> LimitCapacity for SmallVec<A> {
        fn limit_capacity(&mut self, max: usize) {
            let max = max.max(self.len());
            if self.spilled() && self.capacity() > max {
                let mut smaller = SmallVec::with_capacity(max);
                smaller.append(self);
                *self = smaller;
            }
        }
    }
}

#[cfg(feature = "zeroize")]
mod zeroize {
    use zeroize::{Zeroize, Zeroizing};

    use crate::{HeapBytes, LimitCapacity, Reset};

    impl<T: Zeroize + HeapBytes> HeapBytes for Zeroizing<T> {
        #[inline]
        fn heap_bytes(&self) -> usize {
            (**self).heap_bytes()
        }
    }

    impl<T: Zeroize> Reset for Zeroizing<T> {
        #[inline]
        fn reset(&mut self) {
            self.zeroize();
        }
    }

    impl<T: Zeroize + LimitCapacity> LimitCapacity for Zeroizing<T> {
        #[inline]
        fn limit_capacity(&mut self, max: usize) {
            (**self).limit_capacity(max);
        }
    }
}
