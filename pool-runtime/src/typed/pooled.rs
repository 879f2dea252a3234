//! [`Pooled`], the trait of types that have a pool.

use crate::{Guard, Pool};

/// A type that has a static pool of its own.
///
/// `#[derive(Pooled)]` implements it. What is written by hand is the same as what the derive writes: a static
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
    /// What happens to an object whose guard is dropped while its thread unwinds.
    const ON_PANIC: OnPanic = OnPanic::Discard;

    /// Whether a new object is reset, too, before it is given out or is idle: `true` where the derive makes it by `Default`, which knows
    /// nothing of `set`, `with` and the other keys.
    const RESET_NEW: bool = false;

    /// How many bytes an idle object takes up, itself and what it owns: the key `weigh` of the derive. `None` if the type does not say it.
    ///
    /// Asked of each object that an ageing step leaves in the pool or drops, and that `collect` drops, by the thread that does it, never under a lock and
    /// never by an acquire or a release. If it panics the object is dropped, once. An object that is being weighed is out of the pool, one of 32 at
    /// the most: an acquire that finds nothing else makes a new one.
    const WEIGH: Option<fn(&Self) -> usize> = None;

    /// The pool of this type: always the same static.
    fn pool() -> &'static Pool<Self>;

    /// Makes an object: the key `new` of the derive. Called by a miss, by way of [`create_boxed`](Self::create_boxed), never under
    /// a lock.
    fn create_object() -> Self;

    /// Makes an object where it is going to live: the key `new_boxed` of the derive. Every object that a pool makes is made by
    /// this.
    ///
    /// It has a body of its own where an object does not fit on the stack. Otherwise it boxes what
    /// [`create_object`](Self::create_object) returns, which a debug build does by way of the stack.
    #[inline]
    fn create_boxed() -> Box<Self> {
        Box::new(Self::create_object())
    }

    /// Makes a released object as good as new: the key `reset` of the derive, or its field keys. Called by the thread
    /// that drops the guard, never under a lock.
    fn reset_object(object: &mut Self);

    /// Whether the object, which is reset by now, is worth keeping: the key `retain` of the derive.
    fn retain_object(_object: &Self) -> bool {
        true
    }

    /// Wipes what is secret in an object that the pool is about to drop: the derive writes it from the field key `zeroize`.
    ///
    /// Called before the object's `Drop`, wherever the pool drops one, whether it has been reset or not: see
    /// [secrets](crate::secrets). If it panics the object is dropped all the same. Never called under a lock.
    #[inline]
    fn wipe_object(_object: &mut Self) {}

    /// An idle object, or a new one.
    ///
    /// Never waits for another thread. Allocates only if nothing is idle where it looks.
    ///
    /// # Panics
    ///
    /// If [`create_boxed`](Self::create_boxed) does; the pool is as it was before.
    ///
    /// # Signal handlers
    ///
    /// A handler may acquire, wherever in a pool its thread was interrupted: an acquire waits for no thread, so not for its own, and
    /// no object is in two places meanwhile. What an acquire calls has to be allowed in a handler, too. A miss calls the allocator and
    /// [`create_boxed`](Self::create_boxed), and the first acquire or release in a slot allocates it. The allocators of the C
    /// libraries are not for handlers.
    fn acquire() -> Guard<Self> {
        Self::pool().acquire()
    }

    /// An idle object, if one is found. Never creates one, never waits.
    ///
    /// `None` does not prove that nothing is idle: objects in the local stack of another slot are not looked for, and a
    /// list that another thread has locked at this moment is passed over.
    ///
    /// A signal handler may call it as it may [`acquire`](Self::acquire). The first use of a slot allocates here, too.
    fn try_acquire() -> Option<Guard<Self>> {
        Self::pool().try_acquire()
    }

    /// A guard around a value made elsewhere. It enters the pool when the guard is dropped.
    ///
    /// Allocates a box for it. A value that is too large for the stack comes in by [`adopt_box`](Self::adopt_box).
    fn adopt(value: Self) -> Guard<Self> {
        Self::pool().adopt(Box::new(value))
    }

    /// A guard around an object made elsewhere, which stays in its box: nothing is copied and nothing allocated. It enters the
    /// pool when the guard is dropped.
    ///
    /// The way back of [`Guard::into_box`].
    fn adopt_box(object: Box<Self>) -> Guard<Self> {
        Self::pool().adopt(object)
    }

    /// Creates up to `n` idle objects, as far as the pool's bound lets it, and returns how many it made.
    ///
    /// # Panics
    ///
    /// If [`create_boxed`](Self::create_boxed) does; the objects made before stay in the pool.
    fn prefill(n: usize) -> usize {
        Self::pool().prefill(n)
    }
}

/// What happens to an object whose guard is dropped while its thread unwinds: the key `on_panic` of the derive.
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
