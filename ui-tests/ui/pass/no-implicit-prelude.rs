#![no_implicit_prelude]

use ::pool_runtime::{Pooled, Reset};

#[derive(::std::default::Default, Pooled, Reset)]
#[pooled(retain = |scratch| scratch.plain.capacity() < 64, max_idle = 4, local = 1, name = "scratch", on_panic = reset)]
struct Scratch {
    plain: ::std::vec::Vec<u8>,
    #[pooled(clear)]
    cleared: ::std::vec::Vec<u8>,
    #[pooled(default)]
    defaulted: u8,
    #[pooled(set = 1)]
    set: u8,
    #[pooled(with = |n| *n = 0)]
    with: u8,
    #[pooled(keep)]
    kept: u8,
    #[pooled(max_capacity = 4)]
    limited: ::std::vec::Vec<u8>,
}

#[derive(Pooled)]
#[pooled(new = || Whole(0), reset = |whole| whole.0 = 0)]
struct Whole(u8);

#[derive(Reset, Pooled)]
#[pooled(instances(Generic<u8, 4>))]
#[pooled(new = || Generic(::std::vec::Vec::new(), [0; 4]))]
struct Generic<T, const N: usize>(::std::vec::Vec<T>, [T; N]);

#[derive(Reset, Pooled)]
enum State {
    #[pooled(default)]
    Idle(::std::vec::Vec<u8>),
    #[allow(dead_code)]
    Busy,
}

fn main() {
    ::std::mem::drop((Generic::<u8, 4>::acquire(), State::acquire()));

    let scratch = Scratch::acquire();
    ::std::assert_eq!(scratch.kept, 0);
    ::std::mem::drop((scratch, Whole::acquire()));
}
