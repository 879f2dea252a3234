//! [`Pooled`], the trait of types that have a pool.

use core::convert::Infallible;

use crate::{Guard, Pool};

/// A type that has a static pool of its own.
///
/// `#[derive(Pooled)]` implements it. An implementation by hand has the parts that the derive writes: a static
/// [`Pool`], [`pool`](Self::pool) that returns it, and the hooks [`create_object`](Self::create_object) and
/// [`reset_object`](Self::reset_object).
///
/// # Examples
///
/// ```
/// use pool_runtime::Pooled;
///
/// #[derive(Default, Pooled)]
/// struct Line {
///     bytes: Vec<u8>,
/// }
///
/// let mut line = Line::acquire();
/// line.bytes.extend_from_slice(b"hello");
/// drop(line); // cleared, and idle from here on
///
/// let line = Line::try_acquire().expect("one is idle");
/// assert!(line.bytes.is_empty());
/// assert!(line.bytes.capacity() >= 5);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no pool",
    label = "not `Pooled`",
    note = "write `#[derive(Pooled)]` above the definition of `{Self}`, and name it in `#[pooled(instances(..))]` if it is generic"
)]
pub trait Pooled: Sized + Send + 'static {
    /// The fate of an object whose guard is dropped while its thread unwinds: the key `on_panic` of the derive.
    const ON_PANIC: OnPanic = OnPanic::Discard;

    /// Whether a new object is reset, too, before it is given out or is idle: `true` if the derive makes it by `Default`, which knows
    /// nothing of `set`, `with` and the other keys.
    const RESET_NEW: bool = false;

    /// The number of bytes of an idle object, itself and all that it owns: the key `weigh` of the derive. `None` if the type does not say it.
    ///
    /// A thread asks each object that its ageing step leaves in the pool or drops, and each that its `collect` drops: never under a lock, and
    /// never in an acquire or a release. If the function panics, the object is dropped, once. An object that is being weighed is out of the
    /// pool, with 31 others at the most: an acquire that finds no other object makes a new one.
    const WEIGH: Option<fn(&Self) -> usize> = None;

    /// The pool of this type: always the same static.
    fn pool() -> &'static Pool<Self>;

    /// Makes an object: the key `new` of the derive. A miss calls it, by way of [`create_boxed`](Self::create_boxed), never under
    /// a lock.
    fn create_object() -> Self;

    /// Makes an object in its box: the key `new_boxed` of the derive. A pool makes every object by this function.
    ///
    /// It has a body of its own if an object does not fit on the stack. Otherwise it boxes the object that
    /// [`create_object`](Self::create_object) returns, which a debug build does by way of the stack.
    #[inline]
    fn create_boxed() -> Box<Self> {
        Box::new(Self::create_object())
    }

    /// Makes a released object as good as new: the key `reset` of the derive, or its field keys. The thread that drops the
    /// guard calls it, never under a lock.
    fn reset_object(object: &mut Self);

    /// Whether the object, which is reset by now, is worth keeping: the key `retain` of the derive.
    fn retain_object(_object: &Self) -> bool {
        true
    }

    /// Wipes the secrets in an object that the pool is about to drop: the derive writes it from the field key `zeroize`.
    ///
    /// A pool calls it before the `Drop` of each object that it drops, whether the object has been reset or not: see
    /// [secrets](crate::secrets). If it panics the object is dropped all the same. Never called under a lock.
    #[inline]
    fn wipe_object(_object: &mut Self) {}

    /// An idle object, or a new one.
    ///
    /// Never waits for another thread. Allocates only if it finds no idle object.
    ///
    /// # Panics
    ///
    /// If [`create_boxed`](Self::create_boxed) does; the pool is as it was before.
    ///
    /// # Signal handlers
    ///
    /// A handler may acquire, at whatever point of a pool its thread was interrupted: an acquire waits for no thread, so not for its own, and
    /// no object is in two places meanwhile. The functions that an acquire calls have to be allowed in a handler, too. A miss calls the
    /// allocator and [`create_boxed`](Self::create_boxed), and the first acquire or release in a slot allocates it. The allocators of the C
    /// libraries are not for handlers.
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn acquire() -> Guard<Self> {
        Self::pool().acquire()
    }

    /// An idle object, or the object that `create` makes: for objects whose making needs a value that is known at the call.
    ///
    /// The object of a hit has been released and reset: it is not known which closure has made it. So objects of one type that differ by such a
    /// value, as contexts of several levels do, belong into pools of their own: [`OwnedPool`](crate::OwnedPool). What the closure makes is not reset.
    /// Otherwise as [`acquire`](Self::acquire).
    ///
    /// # Panics
    ///
    /// If the closure does; the pool is as it was before.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_runtime::Pooled;
    ///
    /// #[derive(Default, Pooled)]
    /// struct Page(Vec<u8>);
    ///
    /// let page_size = 4096;
    /// let page = Page::acquire_with(|| Page(Vec::with_capacity(page_size)));
    /// assert!(page.0.is_empty() && page.0.capacity() >= page_size);
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn acquire_with(create: impl FnOnce() -> Self) -> Guard<Self> {
        match Self::pool().try_acquire_with(|| Ok::<_, Infallible>(create())) {
            Ok(guard) => guard,
            Err(never) => match never {},
        }
    }

    /// [`acquire_with`](Self::acquire_with) for objects whose making can fail: contexts of C libraries, files, devices.
    ///
    /// # Errors
    ///
    /// The closure's: no object was idle, and it made none. The pool is as it was before.
    ///
    /// # Panics
    ///
    /// As for `acquire_with`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fs::File;
    /// use std::io;
    ///
    /// use pool_runtime::Pooled;
    ///
    /// #[derive(Pooled)]
    /// #[pooled(new = Log::to_nowhere)]
    /// struct Log {
    ///     #[pooled(keep)]
    ///     file: Option<File>,
    /// }
    ///
    /// impl Log {
    ///     fn to_nowhere() -> Self {
    ///         Self { file: None }
    ///     }
    ///
    ///     fn open(path: &str) -> io::Result<Self> {
    ///         Ok(Self { file: Some(File::open(path)?) })
    ///     }
    /// }
    ///
    /// assert!(Log::try_acquire_with(|| Log::open("no such file")).is_err());
    /// assert_eq!(Log::pool().stats().created, 0);
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn try_acquire_with<E>(create: impl FnOnce() -> Result<Self, E>) -> Result<Guard<Self>, E> {
        Self::pool().try_acquire_with(create)
    }

    /// An idle object, if the thread finds one. Never creates an object, never waits.
    ///
    /// `None` does not prove that no object is idle: the thread does not look into the local stack of another slot, and passes over a
    /// list that another thread has locked at this moment.
    ///
    /// A signal handler may call it as it may [`acquire`](Self::acquire). The first use of a slot allocates here, too.
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn try_acquire() -> Option<Guard<Self>> {
        Self::pool().try_acquire()
    }

    /// A guard around a value made elsewhere. It enters the pool when the guard is dropped.
    ///
    /// Allocates a box for the value. A value that is too large for the stack comes in by [`adopt_box`](Self::adopt_box).
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn adopt(value: Self) -> Guard<Self> {
        Self::pool().adopt(Box::new(value))
    }

    /// A guard around an object made elsewhere, which stays in its box, without a copy or an allocation. It enters the
    /// pool when the guard is dropped.
    ///
    /// The way back of [`Guard::into_box`].
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn adopt_box(object: Box<Self>) -> Guard<Self> {
        Self::pool().adopt(object)
    }

    /// Creates up to `n` idle objects, as far as the pool's bound allows, and returns their number.
    ///
    /// # Panics
    ///
    /// If [`create_boxed`](Self::create_boxed) does; the objects made before stay in the pool.
    fn prefill(n: usize) -> usize {
        Self::pool().prefill(n)
    }
}

/// The fate of an object whose guard is dropped while its thread unwinds: the key `on_panic` of the derive.
///
/// Such an object may have been left half-written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPanic {
    /// The object is dropped.
    #[default]
    Discard,
    /// The object is reset and released, as always. For types whose reset restores them from every state.
    Reset,
}
