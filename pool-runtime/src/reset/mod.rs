//! [`Reset`], and its implementations: for the types of std, and for those of other crates.

pub(crate) mod capacity;
mod crates;
pub(crate) mod heap;
pub(crate) mod in_place;
mod std_types;

/// Makes a value as good as new, and keeps the memory that it owns.
///
/// `#[derive(Pooled)]` calls it on every field that has no key of its own.
///
/// # After a reset
///
/// | type | after the reset | kept |
/// |---|---|---|
/// | `Vec`, `VecDeque`, `BinaryHeap`, `String`, `OsString`, `PathBuf` | empty | the whole capacity; the memory that the elements own is freed |
/// | `HashMap`, `HashSet` | empty | the whole capacity and the hasher |
/// | `BTreeMap`, `BTreeSet`, `LinkedList` | empty | nothing: their nodes are freed |
/// | numbers and their atomics, `Duration` | zero | |
/// | `bool`, `AtomicBool` | `false` | |
/// | `char` | `'\0'` | |
/// | `AtomicPtr` | null | the memory that it points to is not freed |
/// | `&str`, `&[T]`, `&CStr`, `&OsStr`, `&Path` | empty | |
/// | `Option`, `OnceCell`, `OnceLock` | empty | nothing |
/// | `Box<str>`, `Box<OsStr>`, `Box<CStr>`, `Box<Path>`, `CString`, `vec::IntoIter` | empty | nothing |
/// | `rc::Weak`, `sync::Weak` | of nothing | nothing |
/// | `*const T`, `*mut T` | null | the memory that it points to is not freed |
/// | `MaybeUninit` | uninitialized | the value in it is not dropped |
/// | `Bound` | `Unbounded` | nothing |
/// | `Box` of a sized type, also pinned, arrays, slices, tuples up to twelve, `Range`, `RangeFrom`, `RangeTo`, `ManuallyDrop`, `AssertUnwindSafe`, `Wrapping`, `Saturating`, `Reverse` | each value in it reset | as for each value |
/// | `Cell`, `UnsafeCell`, `RefCell`, `Mutex`, `RwLock` | the value in it reset; neither borrowed, locked nor poisoned | as for that value |
/// | `Cursor` | the value in it reset, and at position 0 | as for that value |
/// | `Cow` | owned, and its value reset | as for an owned value |
/// | [`Guard`](crate::Guard) | the object in it reset as a release does | the object, which stays in use |
/// | `DefaultHasher` | as new | |
/// | `Once` | not called | |
/// | `Condvar` | as new | |
/// | `()`, `BuildHasherDefault`, `PhantomData`, `PhantomPinned`, `io::Empty`, `io::Sink`, `fmt::Error`, `Infallible` | as before | |
///
/// The types of other crates stand behind the [features](crate#features) of their names:
///
/// | type | after the reset | kept |
/// |---|---|---|
/// | `bytes`: `BytesMut` | empty | the capacity that it has at that moment: a part that was split off has its own owner, and a part that was read past comes back with the next `reserve` |
/// | `bytes`: `Bytes` | empty | nothing: its share of the memory is released |
/// | `smallvec`: `SmallVec` | empty | the whole capacity, on the heap too |
/// | `arrayvec`: `ArrayVec`, `ArrayString` | empty | it has no memory of its own |
/// | `hashbrown`: `HashMap`, `HashSet`, `HashTable` | empty | the whole capacity and the hasher |
/// | `indexmap`: `IndexMap`, `IndexSet` | empty | the whole capacity and the hasher |
/// | `heapless`: `Vec`, `String`, `Deque`, `BinaryHeap`, `LinearMap`, `IndexMap`, `IndexSet`, `HistoryBuf` | empty | they have no memory of their own |
/// | `zeroize`: `Zeroizing` | wiped, as its value's `Zeroize` does it | as that `Zeroize` keeps it: all of it for `Vec` and `String` |
///
/// # Types without a reset
///
/// These types have none, since no single reset fits. A key of the field says which it wants.
///
/// - `NonZero`, `Instant`, `SystemTime`, `IpAddr`: no value of theirs stands for nothing. `#[pooled(set = ..)]`, or an `Option` around it.
/// - `Arc`, `Rc`, function pointers, `mpsc::Sender`: a shared value is not emptied for its other owners. `#[pooled(keep)]`.
/// - `Box<[T]>`: a slice of a fixed length wants its values reset, another slice wants to be empty. `#[pooled(with = |slice| slice.fill(0))]`, or
///   `#[pooled(default)]`.
/// - `Box<dyn Trait>`, though the trait has `Reset` above it: the last user may have put another type in. `#[pooled(set = ..)]`, or
///   `#[pooled(with = |object| object.reset())]` if no user does.
/// - `LazyLock`, `LazyCell`: they cannot be emptied in place. `#[pooled(set = ..)]`.
/// - `BufReader`, `BufWriter`, `LineWriter`, files and sockets: bytes are on their way. `#[pooled(with = ..)]` decides about them.
/// - `RandomState`: a new one is another hasher. `#[pooled(keep)]`.
///
/// A reset is not an erasure: the bytes of a cleared buffer stay in memory until they are written over. `Zeroizing`, and the
/// key `zeroize` of the derive, erase: see [secrets](crate::secrets).
///
/// # Cost
///
/// The `clear` of a container drops its elements. That of a hash table takes time in proportion to its capacity: a `HashMap` that once had two
/// million entries takes 0.1 ms in each reset in which it has an entry, for ever. `#[pooled(max_capacity = n)]` gives the memory back, and the time
/// (35 ns). A reset of a `Mutex` or `RwLock` locks it once, to see whether a guard of it was leaked.
///
/// # Examples
///
/// ```
/// use pool_runtime::Reset;
///
/// struct Decoder {
///     window: Vec<u8>,
///     position: usize,
/// }
///
/// impl Reset for Decoder {
///     fn reset(&mut self) {
///         self.window.reset();
///         self.position.reset();
///     }
/// }
///
/// let mut decoders = [Decoder { window: vec![1, 2, 3], position: 3 }];
/// decoders.reset();
/// assert!(decoders[0].window.is_empty());
/// assert!(decoders[0].window.capacity() >= 3);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be reset for reuse",
    label = "no `Reset` for this field's type",
    note = "mark the field with what a reset does: `#[pooled(clear)]` where the type has a `clear`, which keeps its memory; \
            `#[pooled(set = value)]` or `#[pooled(default)]`, which free it; `#[pooled(with = path)]`, or `#[pooled(keep)]`",
    note = "or give the type a `Reset`: by `#[derive(Reset)]` where it is defined, or by hand"
)]
pub trait Reset {
    /// Makes the value as good as new.
    fn reset(&mut self);

    /// Wipes the secrets in a value that is part of an object which a pool is about to drop.
    ///
    /// `#[derive(Reset)]` writes it from the field key `zeroize`, and for the fields without a key. A type that holds one value or several in place
    /// hands it on to each; other types do nothing. See [secrets](crate::secrets).
    #[inline]
    fn wipe_value(&mut self) {}

    /// [`reset`](Self::reset) for each of many values: at once for numbers, since a loop over 64 KiB takes a debug build 255 µs.
    #[doc(hidden)]
    #[inline]
    fn reset_slice(values: &mut [Self])
    where
        Self: Sized,
    {
        values.iter_mut().for_each(Self::reset);
    }
}

/// A type of a known size: a box of it never holds another type. The trait stands before `Reset` for its message.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`Box<{Self}>` cannot be reset for reuse",
    label = "no `Reset` for this field's type",
    note = "another type, or another length, may be in a box of an unsized type: mark the field `#[pooled(default)]` or \
            `#[pooled(set = value)]`, which free it, or `#[pooled(with = path)]`, as in `with = |slice| slice.fill(0)`",
    note = "for a box of a sized type, derive or implement the `Reset` of that type"
)]
pub trait InBox {
    fn reset_in_box(&mut self);
    fn wipe_in_box(&mut self);
}

#[diagnostic::do_not_recommend]
impl<T: Reset> InBox for T {
    #[inline]
    fn reset_in_box(&mut self) {
        self.reset();
    }

    #[inline]
    fn wipe_in_box(&mut self) {
        self.wipe_value();
    }
}
