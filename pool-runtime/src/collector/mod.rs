//! [`Collector`], a thread that gives memory back by itself: at an interval, and when memory is short.
//!
//! # Invariants
//!
//! 1. `RUNNING` names the process whose collector runs (`process`). In a forked child the thread does not exist, so the parent's collector does not
//!    either: there the inherited handle closes the descriptors that the child has inherited, and the child may start a collector of its own.
//! 2. User code runs on the thread under no lock, and its panics end there. It is the `Drop` of objects, the program's function, and a recorder of
//!    metrics.

mod allocator;
mod background;
mod heard;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod place;
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "no_pressure.rs")]
mod pressure;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod sleeper;
mod step;
#[cfg(all(test, not(pool_loom), any(target_os = "linux", target_os = "android")))]
mod tests;

use core::error::Error;
use core::fmt;
use core::mem;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;
#[cfg(feature = "metrics")]
use std::borrow::Cow;
use std::io;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

#[cfg(feature = "tracing")]
use crate::events;
use crate::machine::process;
use allocator::Trimmer;
use heard::Wake;
use pressure::{Alarm, Found, Sleeper, Sources};
use step::{After, Shortage, Steps};

pub use allocator::Trims;
pub use heard::{PressureError, PressureSource};
pub use step::{Counts, Level, Step, counts};

/// The interval between ageing steps by default.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);

/// The size of the thread's stack by default. A `Drop` that panics, and whose backtrace is printed, takes 32 KiB of it in a debug build. (x86-64,
/// Rust 1.95.) A program that locks its memory has all of it resident.
const DEFAULT_STACK: usize = 256 << 10;

/// A background thread that ages all pools at an interval, and clears them when the system is short of memory.
///
/// The application starts a collector and keeps its handle. Dropping the handle stops the thread and waits until it has ended, with the drops of
/// objects that it has begun. If the thread listens to a file of the kernel, that takes 15 to 45 ms, in which the kernel takes the trigger away;
/// [`stop`](Self::stop) lets the thread end while the program does something else. Without a collector each pool still has its bound.
///
/// The thread is named `pool-collector`. It sleeps until the interval is over or pressure is reported, and wakes up for nothing else. On Linux it has
/// three file descriptors open, and two without a source of pressure. The thread drops objects; if a `Drop` panics, the panic is reported as always
/// and the thread goes on.
///
/// A process has one collector at a time. On Linux that holds even if several copies of this crate are in it, as two versions, or a plugin with a
/// copy of its own. Each copy has its own pools, which only a collector of that copy ages: see [`beside_another`](Builder::beside_another).
///
/// It is an ordinary thread, whichever thread starts it. It has a stack of 256 KiB ([`stack_size`](Builder::stack_size)). On Unix it has all signals
/// blocked, so it takes none that the program waits for. Only the signals of its own faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS) stay
/// open, if they were. On Linux its policy is `SCHED_OTHER`, its nice value is not below zero, and it may run on the CPUs that the process was given
/// when it was started, and on those of the main thread.
///
/// A child of `fork` does not have the thread. There an inherited handle tells no source, and its drop closes the descriptors that the child has
/// inherited and does nothing else. The child may start a collector of its own.
///
/// # Pressure
///
/// On Linux the collector listens to the first of these that works:
///
/// 1. The source that the environment variables `MEMORY_PRESSURE_WATCH` and `MEMORY_PRESSURE_WRITE` ask for, which systemd sets for a service ([its
///    protocol](https://systemd.io/PRESSURE/)). It is a file of the kernel that tells pressure, a FIFO or a socket, and no symbolic link; `/dev/null`
///    turns pressure off;
/// 2. `memory.pressure` of the process's cgroup, version 2;
/// 3. `/proc/pressure/memory`.
///
/// If a source is lost, as a socket whose other end is closed, the next in this order replaces it, and the collector tries the lost source again
/// before a step that comes ten seconds later or more. [`pressure_errors`](Self::pressure_errors) and [`counts`] tell of it. If none of the sources
/// works, as in many containers, see [memory pressure](crate::memory_pressure).
///
/// Sources 2 and 3 report pressure if within two seconds some task waited for memory for 200 ms. No source says how short memory is. Reports within
/// two seconds count once. So the level follows from the length of the shortage: each report within ten seconds of the last is answered harder, in
/// the three steps of [GLib's](https://docs.gtk.org/gio/enum.MemoryMonitorWarningLevel.html) and
/// [Android's](https://source.android.com/docs/core/perf/lmkd) monitors:
///
/// | level | when | answer |
/// |---|---|---|
/// | low | the first report | [`age`](crate::age) once: objects that were idle for long go |
/// | medium | the second | `age` twice: all idle objects go that are not acquired in between, and local stacks shrink |
/// | critical | every further report | [`collect`](crate::collect) |
///
/// An answer begins a new interval. With the feature `metrics`, `publish_metrics` is called when the collector starts, before each step, and when it
/// stops.
///
/// # Memory
///
/// The memory of dropped objects goes back to the allocator, which keeps it as a rule. So after a step that has dropped more than a little, the
/// collector asks glibc to give free memory back to the system ([`trim`](Builder::trim)). For other allocators the program sets a function of its own
/// ([`after`](Builder::after)): see [memory](crate::memory). [`max_bytes`](Builder::max_bytes) is a budget in bytes for all pools together.
///
/// # Examples
///
/// ```
/// use pool_runtime::Collector;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), pool_runtime::collector::StartError> {
/// let collector = Collector::builder().interval(Duration::from_secs(5)).start()?;
/// println!("pressure from: {}", collector.pressure_source());
/// for error in collector.pressure_errors() {
///     eprintln!("pressure: {error}");
/// }
/// // … the application …
/// drop(collector); // stops the thread
/// # Ok(())
/// # }
/// ```
#[must_use = "a collector stops when its handle is dropped"]
pub struct Collector {
    alarm: Alarm,
    /// `None` when it has been joined.
    thread: Option<JoinHandle<()>>,
    pressure: Arc<Mutex<Heard>>,
    /// Given back last, when the thread has ended.
    running: Running,
}

/// The settings of a [`Collector`]: [`Collector::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `start`"]
pub struct Builder {
    interval: Duration,
    pressure: Pressure,
    stack_size: usize,
    beside_another: bool,
    #[cfg(feature = "metrics")]
    metrics_prefix: Cow<'static, str>,
    steps: Steps,
}

/// Whether a [`Collector`] listens for memory pressure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pressure {
    /// The collector listens to the first source that works.
    #[default]
    Listen,
    /// The collector does not listen, whatever the environment says.
    Ignore,
}

/// The reason why a [`Collector`] was not started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The process has a collector already.
    Running,
    /// Another copy of this crate in the process has a collector already. See [`Builder::beside_another`].
    Another,
    /// The interval is zero.
    ZeroInterval,
    /// The system has no thread or no file descriptors left.
    System(io::Error),
}

/// The source of pressure, and the errors of sources. Locked for a moment, and never while user code runs.
struct Heard {
    source: PressureSource,
    errors: Vec<PressureError>,
}

/// The process whose collector runs; zero if none does. `Relaxed`: no other data is reached through it.
static RUNNING: AtomicU32 = AtomicU32::new(0);

/// The thread's name. The collector of another copy of this crate has nothing else in common with this one by which it could be found.
const NAME: &str = "pool-collector";

impl Collector {
    /// Returns the settings of a collector with an interval of ten seconds that listens for pressure.
    pub fn builder() -> Builder {
        Builder {
            interval: DEFAULT_INTERVAL,
            pressure: Pressure::default(),
            stack_size: DEFAULT_STACK,
            beside_another: false,
            steps: Steps { max_bytes: None, trim: true, after: None },
            #[cfg(feature = "metrics")]
            metrics_prefix: metrics::DEFAULT_PREFIX.into(),
        }
    }

    /// Stops the thread, and does not wait until it has ended. The drop of the handle waits, and returns at once if the thread has ended by then.
    /// Does nothing in a forked child.
    pub fn stop(&self) {
        if self.running.is_here() {
            self.alarm.ring();
        }
    }

    /// How often glibc was asked to give memory back, how often it did, and how long that took, since the process began. Zero if there is no glibc.
    pub fn trims(&self) -> Trims {
        allocator::trims()
    }

    /// The source of memory pressure that is in use at this moment: a source can be lost.
    pub fn pressure_source(&self) -> PressureSource {
        self.heard().map_or(PressureSource::None, |heard| heard.source.clone())
    }

    /// The sources that were tried and do not work, and those lost since, each with the reason. The interval works all the same.
    ///
    /// A source that does not exist on the machine is no error. A source that was lost and works again is no error any more; [`counts`] tells how
    /// often sources were lost.
    pub fn pressure_errors(&self) -> Vec<PressureError> {
        self.heard().map_or(Vec::new(), |heard| heard.errors.clone())
    }

    /// `None` in a forked child: the thread may have had the lock at the fork (invariant 1).
    fn heard(&self) -> Option<MutexGuard<'_, Heard>> {
        self.running.is_here().then(|| locked(&self.pressure))
    }
}

impl Builder {
    /// Sets the interval between ageing steps. An object is dropped when it has been idle for a whole interval, which is after two at the most. The
    /// default is ten seconds. An interval longer than the clock can count never ends; then only pressure leads to steps.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets whether the collector listens for memory pressure. By default it does.
    pub fn pressure(mut self, pressure: Pressure) -> Self {
        self.pressure = pressure;
        self
    }

    /// Sets the size of the thread's stack, in bytes. It is for the `Drop` of objects, the panic hook if a `Drop` panics, and, with the feature
    /// `metrics`, the recorder. The default is 256 KiB, which has room for a panic with a backtrace; objects that are dropped recursively, like long
    /// lists, may need more. The system may round it up.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// Sets whether the collector starts although another copy of this crate has one in this process, so that each ages the pools of its own copy. By
    /// default it does not, and [`start`](Self::start) is an error.
    ///
    /// The collector of another copy is found by the name of its thread, on Linux. It is not found on other systems, nor if it starts at the same
    /// moment. A thread of the program that is named `pool-collector` is taken for a collector.
    pub fn beside_another(mut self, allowed: bool) -> Self {
        self.beside_another = allowed;
        self
    }

    /// Sets the beginning of the names of all series that the collector publishes: `pool` by default. Feature `metrics`.
    #[cfg(feature = "metrics")]
    pub fn metrics_prefix(mut self, prefix: impl Into<Cow<'static, str>>) -> Self {
        self.metrics_prefix = prefix.into();
        self
    }

    /// Keeps the idle objects of all pools of the process below a budget: if they weigh more than `bytes` together after a step, the collector drops
    /// the excess.
    ///
    /// Objects that were idle longest go first: those that were idle for an interval, which a step drops anyway, and then of each pool the same share
    /// of its idle objects, in the order of their releases. The weight of an object is the memory that it takes up, if its type tells that: the
    /// derive's key `weigh`. Other objects count with their size alone, without the memory that they own.
    ///
    /// The budget holds after each step, not in between: until the next step pools fill up to their `max_idle`. For a hard limit on one pool, at all
    /// times, see [sizing](crate::sizing#a-limit-in-bytes).
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.steps.max_bytes = Some(bytes);
        self
    }

    /// Sets whether the collector asks glibc to give memory back to the system (`malloc_trim`) after a step that has dropped more than a little: 1
    /// MiB by weight, or 16 objects, counted from the last call. By default it does, if there is a glibc. If the program has another allocator, glibc
    /// has nothing to give back, and the call takes less than a microsecond: see [memory](crate::memory) for the needs of other allocators.
    ///
    /// The collector asks once after a step at the most. Then it does not ask for ten times as long as the call took, or a hundred times if no memory
    /// came back. A thread that allocates from a heap waits while the call goes through that heap: some microseconds as a rule, 50 ms if 100,000
    /// small pieces of memory are free. A program with such heaps and with deadlines turns it off.
    pub fn trim(mut self, trim: bool) -> Self {
        self.steps.trim = trim;
        self
    }

    /// Sets a function that the collector's thread calls after each step: to log the step, or to ask an allocator to give back the memory of dropped
    /// objects, for which [memory](crate::memory) has recipes. If the function panics, the panic is reported as always and the thread goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// use pool_runtime::Collector;
    ///
    /// # fn main() -> Result<(), pool_runtime::collector::StartError> {
    /// let collector = Collector::builder()
    ///     .after(|step| {
    ///         if step.objects > 0 {
    ///             eprintln!("{:?}: {} objects, {} bytes, in {:?}", step.level, step.objects, step.bytes, step.duration);
    ///         }
    ///     })
    ///     .start()?;
    /// # drop(collector);
    /// # Ok(())
    /// # }
    /// ```
    pub fn after(mut self, call: impl Fn(&Step) + Send + Sync + 'static) -> Self {
        self.steps.after = Some(After(Arc::new(call)));
        self
    }

    /// Starts the thread.
    ///
    /// If the environment names a socket, the socket has a second to accept the connection.
    ///
    /// # Errors
    ///
    /// If the process has a collector already, if another copy of this crate has one, if the interval is zero, or if the system has no thread or no
    /// file descriptors left. A source of pressure that does not work is no reason to fail: see [`pressure_errors`](Collector::pressure_errors).
    pub fn start(self) -> Result<Collector, StartError> {
        if self.interval.is_zero() {
            return Err(StartError::ZeroInterval);
        }
        let running = Running::claim().ok_or(StartError::Running)?;
        if !self.beside_another && background::has_thread(NAME) {
            return Err(StartError::Another);
        }
        // Before the sources, so that a process with two descriptors left has a collector, though without a source of pressure.
        let (alarm, mut sleeper) = pressure::sleeper().map_err(StartError::System)?;
        let mut sources = Sources::new();
        let Found { source, watch, errors, .. } = match self.pressure {
            Pressure::Listen => sources.first(),
            Pressure::Ignore => Found::nothing(),
        };
        sleeper.watch(watch);
        let pressure = Arc::new(Mutex::new(Heard { source, errors }));
        let heard = Arc::clone(&pressure);
        let thread = background::spawn(NAME, self.stack_size, move || {
            self.publish();
            run(sleeper, sources, &self, &heard);
            self.publish();
        })
        .map_err(StartError::System)?;
        Ok(Collector { alarm, thread: Some(thread), pressure, running })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if !self.running.is_here() {
            // The thread is the parent's, and so are its alarm and the handle to join it (invariant 1).
            mem::forget(thread);
            self.alarm.close_inherited();
            return;
        }
        self.alarm.ring();
        // If an object's `Drop` on the thread itself ends the collector, the thread ends after the step that it is in.
        if thread.thread().id() != thread::current().id() {
            // The thread does not panic (invariant 2).
            let _ = thread.join();
        }
    }
}

/// The right to be the only collector of this process.
struct Running(u32);

impl Running {
    fn claim() -> Option<Self> {
        let us = process::current();
        match RUNNING.compare_exchange(0, us, Relaxed, Relaxed) {
            Ok(_) => Some(Self(us)),
            Err(holder) if holder == us => None,
            // Invariant 1.
            Err(holder) => RUNNING.compare_exchange(holder, us, Relaxed, Relaxed).is_ok().then_some(Self(us)),
        }
    }

    /// Whether this is the process that has claimed it, and not a child.
    fn is_here(&self) -> bool {
        self.0 == process::current()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Changes nothing in a child that has a collector of its own.
        let _ = RUNNING.compare_exchange(self.0, 0, Relaxed, Relaxed);
    }
}

/// The work of the thread.
fn run(mut sleeper: Sleeper, mut sources: Sources, builder: &Builder, heard: &Mutex<Heard>) {
    let mut shortage = Shortage::default();
    let mut trimmer = if builder.steps.trim { Trimmer::new() } else { None };
    loop {
        let level = match sleeper.sleep(Instant::now().checked_add(builder.interval)) {
            Wake::Deadline => Level::Interval,
            Wake::Pressure => {
                let level = shortage.goes_on(Instant::now());
                #[cfg(feature = "tracing")]
                step::caught(|| events::pressure(level.name()));
                level
            }
            Wake::Lost(error) => {
                step::LOST_SOURCES.add(1);
                let found = sources.next();
                sleeper.watch(found.watch);
                #[cfg(feature = "tracing")]
                let source = locked(heard).source.clone();
                locked(heard).replace(&error, found.source, found.errors);
                #[cfg(feature = "tracing")]
                step::caught(|| events::lost_source(&source, &error));
                continue;
            }
            Wake::Broken(error) => return locked(heard).replace(&error, PressureSource::None, Vec::new()),
            Wake::Alarm => return,
        };
        if let Some(found) = sources.again() {
            sleeper.watch(found.watch);
            *locked(heard) = Heard { source: found.source, errors: found.errors };
        }
        // Before the step: after an ageing step every idle object is a victim.
        builder.publish();
        builder.steps.take(level, trimmer.as_mut());
        step::STEPS[level as usize].add(1);
    }
}

impl Builder {
    /// Tells the recorder of metrics, with the feature `metrics`.
    fn publish(&self) {
        #[cfg(feature = "metrics")]
        step::caught(|| metrics::publish_metrics_as(&self.metrics_prefix));
    }
}

impl Heard {
    /// Puts `source` in the place of the source that was lost, for the reason `error`. `errors`: of the sources between the two, which do not work.
    fn replace(&mut self, error: &str, source: PressureSource, errors: Vec<PressureError>) {
        let lost = PressureError(format!("{}: {error}", self.source));
        for error in [lost].into_iter().chain(errors) {
            // A source that comes and goes is reported once.
            if !self.errors.contains(&error) {
                self.errors.push(error);
            }
        }
        self.source = source;
    }
}

fn locked(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

// Only the drop of the handle changes its state, and the thread changes its own under a lock: no panic leaves either half-changed.
impl UnwindSafe for Collector {}
impl RefUnwindSafe for Collector {}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("pressure_source", &self.pressure_source()).finish_non_exhaustive()
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("a collector is running already: a process has one at a time"),
            Self::Another => f.write_str(
                "a collector of another copy of `pool-runtime` is running in this process: \
                 write `beside_another(true)` for one of this copy's pools",
            ),
            Self::ZeroInterval => f.write_str("the collector's interval is zero: write one that is longer"),
            Self::System(error) => write!(f, "the collector's thread cannot be started: {error}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System(error) => Some(error),
            Self::Running | Self::Another | Self::ZeroInterval => None,
        }
    }
}
