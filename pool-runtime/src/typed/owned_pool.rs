//! [`OwnedPool`], a pool that is a value.

use core::any::{TypeId, type_name};
use core::convert::Infallible;
use core::fmt;
use core::marker::PhantomData;
use std::borrow::Cow;

use crate::registry::PoolHandle;
use crate::registry::leave::own_library;
use crate::registry::owned::{self, Objects};
use crate::slots::object::{Object, Weigh};
use crate::stats::Stats;

use crate::storage::life::{Key, Life};
use crate::storage::live::kept;
use crate::storage::store::{DEFAULT_LOCAL, Store};
use crate::typed::hooks::{By, ByReset, Hooks, NoHooks, Retain, dispose, drop_hooks, weigher};
use crate::{HeapBytes, OnPanic, OwnedGuard};

/// A pool that is a value: of a server, a parser, a test, a tenant. Its objects are made by a closure, which may capture.
///
/// Otherwise it is as the pool of a type, on the same slots: bounded, shared by all threads, in the registry under its name, aged and collected by
/// [`collect`](crate::collect), [`age`](crate::age) and a [`Collector`](crate::Collector) as all others. Its objects need [`Reset`](crate::Reset), which can be
/// derived alone, or a reset from the [builder](Self::builder), and no [`Pooled`](crate::Pooled).
///
/// To drop the pool drops its idle objects. Guards that are out stay good, and their objects are dropped with them.
///
/// # Cost
///
/// An acquire and a release take as long as those of a static pool, but for two loads and the call of a function: its guard knows the pool, and not the
/// types of its hooks. The memory of a pool, about 1 KiB and that of its slots, is kept when the pool is dropped, and the next pool of the same
/// [kind](Builder::name) has it: 10⁶ pools one after the other take up as much as one. To make a pool and to drop it may wait as
/// [`collect`](crate::collect) does, and a drop fences. A pool that takes a few objects in its life does not pay off.
///
/// # The type of the closure
///
/// `OwnedPool::new(|| ..)` has the closure's own type, which has no name. In a field it is boxed:
///
/// ```
/// use pool_runtime::OwnedPool;
///
/// struct Server {
///     pages: OwnedPool<Vec<u8>>,
/// }
///
/// impl Server {
///     fn new(page_size: usize) -> Self {
///         Self { pages: OwnedPool::new(Box::new(move || Vec::with_capacity(page_size))) }
///     }
/// }
///
/// let server = Server::new(4096);
/// let mut page = server.pages.acquire();
/// page.extend_from_slice(b"hello");
/// drop(page); // reset, then back into the server's pool
/// assert_eq!(server.pages.stats().idle, 1);
/// ```
///
/// # Signal handlers
///
/// A handler may acquire and release, as from a static pool. It may not make or drop a pool, nor drop the last guard of a dropped pool.
///
/// # Examples
///
/// ```
/// use pool_runtime::{OwnedPool, Reset};
///
/// #[derive(Reset)]
/// struct Line {
///     text: String,
///     #[pooled(keep)]
///     width: usize,
/// }
///
/// let width = 80;
/// let lines = OwnedPool::new(|| Line { text: String::with_capacity(width), width });
/// let mut line = lines.acquire();
/// line.text.push_str("hello");
/// drop(lines);
/// assert_eq!((&*line.text, line.width), ("hello", 80)); // the guard has outlived its pool
/// ```
#[must_use = "a pool that is not kept is dropped at once"]
pub struct OwnedPool<T: Send + 'static, H: Hooks<T> = ByReset, F = Box<dyn Fn() -> T + Send + Sync>> {
    life: &'static Life<Store>,
    create: F,
    /// Invariant in `T`, as a [`Pool`](crate::Pool) is.
    objects: PhantomData<fn(T) -> T>,
    hooks: PhantomData<fn(H)>,
}

impl<T: Send + 'static, F: Fn() -> T> OwnedPool<T, ByReset, F>
where
    ByReset: Hooks<T>,
{
    /// A pool whose objects `create` makes, with the default bounds. Its name is that of the type.
    pub fn new(create: F) -> Self {
        OwnedPool::builder(create).build()
    }
}

impl<T: Send + 'static> OwnedPool<T, NoHooks> {
    /// A pool with a name, bounds and hooks of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_runtime::OwnedPool;
    ///
    /// struct Encoder(Vec<u8>); // a type of another crate
    ///
    /// let encoders = OwnedPool::builder(|| Encoder(Vec::new()))
    ///     .name("encoders")
    ///     .reset(|encoder| encoder.0.clear())
    ///     .retain(|encoder| encoder.0.capacity() <= 1 << 20)
    ///     .max_idle(16)
    ///     .build();
    /// drop(encoders.acquire());
    /// assert_eq!((encoders.name(), encoders.idle()), ("encoders", 1));
    /// ```
    pub fn builder<F: Fn() -> T>(create: F) -> Builder<T, ByReset, F> {
        Builder {
            create,
            name: Cow::Borrowed(type_name::<T>()),
            hooks: ByReset,
            on_panic: OnPanic::default(),
            weigh: None,
            max_idle: None,
            local: DEFAULT_LOCAL,
            objects: PhantomData,
        }
    }
}

impl<T: Send + 'static, H: Hooks<T>, F: Fn() -> T> OwnedPool<T, H, F> {
    /// An idle object, or a new one, as [`Pooled::acquire`](crate::Pooled::acquire).
    ///
    /// # Panics
    ///
    /// If the pool's closure does; the pool is as it was before.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn acquire(&self) -> OwnedGuard<T, H> {
        self.acquire_with(&self.create)
    }

    /// Creates up to `n` idle objects, as far as the pool's bound allows, and returns their number.
    ///
    /// # Panics
    ///
    /// If the pool's closure does; the objects made before stay in the pool.
    pub fn prefill(&self, n: usize) -> usize {
        let store = self.store();
        for made in 0..n {
            if !store.has_room() {
                return made;
            }
            let object = store.created(Object::from_box(Box::new((self.create)())));
            if !store.release_out_of_line(object) {
                return made;
            }
        }
        n
    }
}

impl<T: Send + 'static, H: Hooks<T>, F> OwnedPool<T, H, F> {
    /// An idle object, or the object that `create` makes, as [`Pooled::acquire_with`](crate::Pooled::acquire_with).
    ///
    /// # Panics
    ///
    /// If the closure does; the pool is as it was before.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn acquire_with(&self, create: impl FnOnce() -> T) -> OwnedGuard<T, H> {
        match self.try_acquire_with(|| Ok::<_, Infallible>(create())) {
            Ok(guard) => guard,
            Err(never) => match never {},
        }
    }

    /// [`acquire_with`](Self::acquire_with) for objects whose making can fail.
    ///
    /// # Errors
    ///
    /// The closure's: no object was idle, and it made none. The pool is as it was before.
    ///
    /// # Panics
    ///
    /// As for `acquire_with`.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_acquire_with<E>(&self, create: impl FnOnce() -> Result<T, E>) -> Result<OwnedGuard<T, H>, E> {
        // Not by a closure, whose caller would be std; as in the next.
        Ok(self.guard(self.store().try_acquire_with(create)?))
    }

    /// An idle object, if the thread finds one, as [`Pooled::try_acquire`](crate::Pooled::try_acquire).
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_acquire(&self) -> Option<OwnedGuard<T, H>> {
        Some(self.guard(self.store().try_acquire()?))
    }

    /// A guard around a value made elsewhere. It enters this pool when the guard is dropped.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn adopt(&self, value: T) -> OwnedGuard<T, H> {
        self.adopt_box(Box::new(value))
    }

    /// A guard around an object made elsewhere, which stays in its box. It enters this pool when the guard is dropped.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn adopt_box(&self, object: Box<T>) -> OwnedGuard<T, H> {
        let guard = self.guard(Object::from_box(object));
        self.store().slot_or_make().1.counters.adopted.add(1);
        guard
    }

    /// The pool's name.
    pub fn name(&self) -> &'static str {
        self.handle().name()
    }

    /// The statistics of the pool, as [`PoolHandle::stats`].
    pub fn stats(&self) -> Stats {
        self.handle().stats()
    }

    /// The statistics of the pool at one moment, as [`PoolHandle::settled_stats`].
    pub fn settled_stats(&self) -> Option<Stats> {
        self.handle().settled_stats()
    }

    /// How many objects are in the pool, as [`PoolHandle::idle`].
    pub fn idle(&self) -> usize {
        self.handle().idle()
    }

    /// How many objects the pool may keep.
    pub fn max_idle(&self) -> usize {
        self.handle().max_idle()
    }

    /// Sets how many objects the pool may keep, as [`PoolHandle::set_max_idle`].
    ///
    /// # Panics
    ///
    /// As for [`collect`](Self::collect).
    pub fn set_max_idle(&self, n: usize) {
        self.handle().set_max_idle(n);
    }

    /// Drops every idle object of this pool. Not from a signal handler.
    ///
    /// # Panics
    ///
    /// If the `Drop` of an object panics: all the others are dropped first, and then the first panic goes on.
    pub fn collect(&self) {
        self.handle().collect();
    }

    /// Takes one ageing step in this pool. Not from a signal handler.
    ///
    /// # Panics
    ///
    /// As for [`collect`](Self::collect).
    pub fn age(&self) {
        self.handle().age();
    }

    fn handle(&self) -> &'static PoolHandle {
        PoolHandle::of(self.store())
    }

    #[inline]
    fn store(&self) -> &'static Store {
        self.life.storage()
    }

    /// A guard for an object of this pool: each came from a box of `T`.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn guard(&self, object: Object) -> OwnedGuard<T, H> {
        #[cfg(feature = "diagnose")]
        crate::diagnose::acquired(self.store(), object.as_raw());
        OwnedGuard::new(object, self.life)
    }
}

/// Drops the idle objects. Objects in use are dropped with their guards.
///
/// It waits as [`collect`](crate::collect) does, and like that is not for signal handlers.
///
/// # Panics
///
/// As for [`collect`](OwnedPool::collect).
impl<T: Send + 'static, H: Hooks<T>, F> Drop for OwnedPool<T, H, F> {
    fn drop(&mut self) {
        #[cfg(feature = "diagnose")]
        crate::registry::in_use::report_at_drop(self.handle());
        owned::close(self.life).go_on();
    }
}

impl<T: Send + 'static, H: Hooks<T>, F> fmt::Debug for OwnedPool<T, H, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPool").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Makes an [`OwnedPool`]: see [`OwnedPool::builder`].
#[must_use = "a builder makes no pool before `build`"]
pub struct Builder<T, H = ByReset, F = Box<dyn Fn() -> T + Send + Sync>> {
    create: F,
    hooks: H,
    name: Cow<'static, str>,
    on_panic: OnPanic,
    weigh: Option<Weigh>,
    max_idle: Option<usize>,
    local: usize,
    objects: PhantomData<fn(T) -> T>,
}

impl<T: Send + 'static, F: Fn() -> T> Builder<T, ByReset, F> {
    /// Resets each released object by a closure; its [`Reset`](crate::Reset) does otherwise.
    ///
    /// The closure is dropped after the pool and its last guard, so it may not borrow. The type of the pool names the closure's type, which has no name:
    /// for a field see [`Hooks`].
    pub fn reset<C: Fn(&mut T) + Send + Sync + 'static>(self, reset: C) -> Builder<T, By<C>, F> {
        self.hooks(By(reset))
    }

    /// Resets the objects, and says which are worth keeping, by the program's own hooks.
    pub fn hooks<H: Hooks<T>>(self, hooks: H) -> Builder<T, H, F> {
        self.with_hooks(|_| hooks)
    }
}

impl<T: Send + 'static, H, F: Fn() -> T> Builder<T, H, F> {
    /// Says whether a released object, which is reset by now, is worth keeping. After [`reset`](Self::reset) or [`hooks`](Self::hooks), if there is one.
    ///
    /// As for `reset`, the closure may not borrow.
    pub fn retain<C: Fn(&T) -> bool + Send + Sync + 'static>(self, retain: C) -> Builder<T, Retain<H, C>, F> {
        self.with_hooks(|hooks| Retain(hooks, retain))
    }

    fn with_hooks<G>(self, change: impl FnOnce(H) -> G) -> Builder<T, G, F> {
        let Self { create, hooks, name, on_panic, weigh, max_idle, local, objects } = self;
        Builder { create, hooks: change(hooks), name, on_panic, weigh, max_idle, local, objects }
    }

    /// The pool's name in statistics; the type's path otherwise.
    ///
    /// Pools of one kind can have each other's memory: those of one type of object, with hooks of one type, the same name and the same
    /// [`local`](Self::local). A name that is not a literal is kept for good, once, and so is the memory of its pool. So names are few: of kinds of
    /// tenants, not of tenants.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The effect of a guard's drop while its thread unwinds. [`OnPanic::Discard`] otherwise.
    pub fn on_panic(mut self, on_panic: OnPanic) -> Self {
        self.on_panic = on_panic;
        self
    }

    /// Tells how many bytes an idle object takes up, by [`HeapBytes`], as the derive's key `weigh`. It is [asked](crate::Pooled::WEIGH) under no lock.
    pub fn weigh(mut self) -> Self
    where
        T: HeapBytes,
    {
        self.weigh = Some(weigher::<T>());
        self
    }

    /// How many idle objects the pool may keep, as [`Pool::with_max_idle`](crate::Pool::with_max_idle).
    pub fn max_idle(mut self, max_idle: usize) -> Self {
        self.max_idle = Some(max_idle);
        self
    }

    /// The largest local stack of one slot, as [`Pool::with_local`](crate::Pool::with_local).
    pub fn local(mut self, local: usize) -> Self {
        self.local = local;
        self
    }

    /// Makes the pool.
    ///
    /// Costs an allocation if the memory of no dropped pool is there. May wait for a sweep, as [`collect`](crate::collect) does.
    pub fn build(self) -> OwnedPool<T, H, F>
    where
        H: Hooks<T>,
    {
        let name = match self.name {
            Cow::Borrowed(name) => name,
            Cow::Owned(name) => kept(&name),
        };
        let key = Key {
            hooks: TypeId::of::<(H, T)>(),
            name,
            local: self.local,
            weighs: self.weigh.is_some(),
            discards: matches!(self.on_panic, OnPanic::Discard),
            library: own_library(),
        };
        let objects =
            Objects { size: size_of::<T>(), weigh: self.weigh, dispose: dispose::<T, H>, library: own_library };
        let hooks = Box::into_raw(Box::new(self.hooks)).cast();
        let life = owned::open(key, drop_hooks::<H>, &objects, self.max_idle, hooks);
        OwnedPool { life, create: self.create, objects: PhantomData, hooks: PhantomData }
    }
}

impl<T, H, F> fmt::Debug for Builder<T, H, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name", &self.name).finish_non_exhaustive()
    }
}
