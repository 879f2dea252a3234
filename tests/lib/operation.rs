//! The operations on a pool, to be drawn at random.

/// The largest bound that is drawn; the least is 0.
pub const MOST: usize = 40;

/// An operation on a pool.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    /// `T::acquire`.
    Acquire,
    /// `T::try_acquire`.
    TryAcquire,
    /// A guard is dropped.
    Release,
    /// Half of the guards are dropped.
    ReleaseHalf,
    /// `Guard::discard`.
    Discard,
    /// `Guard::into_inner`.
    IntoInner,
    /// `Guard::into_box`.
    IntoBox,
    /// `T::adopt`.
    Adopt,
    /// `T::prefill`.
    Prefill,
    /// `Pool::age`.
    Age,
    /// `Pool::collect`.
    Collect,
    /// `Pool::set_max_idle`.
    SetMaxIdle,
    /// A guard is dropped while its thread unwinds.
    Unwind,
}

use Op::{
    Acquire, Adopt, Age, Collect, Discard, IntoBox, IntoInner, Prefill, Release, ReleaseHalf, SetMaxIdle, TryAcquire,
    Unwind,
};

/// Each operation as often as it is drawn: a pool is mostly acquired from and released to.
pub const OPS: &[Op] = &[
    Acquire,
    Acquire,
    Acquire,
    Acquire,
    Acquire,
    Acquire,
    TryAcquire,
    TryAcquire,
    Release,
    Release,
    Release,
    Release,
    Release,
    Release,
    ReleaseHalf,
    Discard,
    IntoInner,
    IntoBox,
    Adopt,
    Prefill,
    Age,
    Collect,
    SetMaxIdle,
    Unwind,
];
