//! The strictest crate that a user may have.

#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    future_incompatible,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unreachable_pub,
    unused,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]

use pool_runtime::{Pooled, Reset};

/// Public.
#[derive(Default, Pooled)]
#[pooled(retain = |scratch| scratch.plain.capacity() < 64, max_idle = 4, local = 1, name = "scratch", on_panic = reset)]
pub struct Scratch {
    plain: Vec<u8>,
    #[pooled(clear)]
    cleared: Vec<u8>,
    #[pooled(default)]
    defaulted: u8,
    #[pooled(set = 1)]
    set: u8,
    #[pooled(with = Vec::clear)]
    with: Vec<u8>,
    _unused: u8,
}

/// Public, of a private type.
#[derive(Pooled)]
#[pooled(new = || Whole(Private { _unused: 1 }), reset = drop_nothing)]
pub struct Whole(Private);

fn drop_nothing(whole: &mut Whole) {
    whole.0._unused = 0;
}

/// Never used but for its pool.
#[derive(Default, Pooled)]
struct Private {
    _unused: u8,
}

#[derive(Default, Pooled)]
#[deprecated = "old"]
#[allow(deprecated)]
struct Old {
    #[deprecated = "older"]
    field: u8,
}

#[derive(Default, Pooled)]
struct OfOld {
    #[allow(deprecated)]
    _old: Option<Old>,
}

#[derive(Default, Pooled)]
struct Kept {
    #[pooled(keep)]
    _unused: u8,
}

#[derive(Default, Pooled)]
struct Empty;

/// Public and generic.
#[derive(Pooled, Reset)]
#[pooled(new = || Table([T::default(); N], vec![]), max_idle = N, instances(Table<u8, { 2 + 2 }>, Table<u16>))]
pub struct Table<T: Copy + Default, const N: usize = 2>([T; N], #[pooled(max_capacity = 4)] Vec<T>);

/// Public, with a parameter of an odd name.
#[derive(Reset)]
#[pooled(bound(item: Reset))]
#[allow(non_camel_case_types)]
pub struct Odd<item>(item);

/// Public.
#[derive(Pooled, Reset)]
pub enum State {
    /// At first.
    #[pooled(default)]
    Idle(Vec<u8>, #[pooled(keep)] u8),
    /// Later.
    Busy,
}

/// Public, of one variant.
#[derive(Pooled, Reset)]
pub enum Single {
    /// The one.
    #[pooled(default)]
    Idle {
        /// A field.
        #[pooled(set = 1)]
        field: u8,
    },
}

#[derive(Default, Pooled, Reset)]
enum Plain {
    #[default]
    Idle,
}

fn main() {
    drop((Table::<u8, 4>::acquire(), Table::<u16>::acquire(), State::acquire(), Single::acquire(), Plain::acquire()));
    let mut odd = Odd(State::Busy);
    odd.reset();
    drop((Scratch::acquire(), Whole::acquire(), Private::acquire(), Kept::acquire(), Empty::acquire()));
    #[allow(deprecated)]
    drop((Old::acquire(), OfOld::acquire()));
}
