#![allow(dead_code, non_camel_case_types, unused_macros)]

mod core {}
mod std {}
mod alloc {}
mod pool_runtime {}

struct Vec;
struct Option;
struct Result;
struct Box;
struct Pool;
struct Guard;
struct Some;
struct None;
struct bool;
struct usize;
struct str;
trait Default {}
trait Send {}
trait Reset {}

macro_rules! concat {
    () => {};
}
macro_rules! module_path {
    () => {};
}

// Names that the expansion might use for itself.
const POOL: u8 = 7;
const NAME: u8 = 7;
const HOOK: u8 = 7;
const MAX_IDLE: ::core::primitive::usize = 7;
#[allow(non_upper_case_globals)]
const object: u8 = 7;
#[allow(non_upper_case_globals)]
const hook: u8 = 7;
#[allow(non_upper_case_globals)]
const value: ::core::primitive::usize = 7;

#[derive(::pool_runtime::Pooled)]
#[pooled(new = || Scratch(POOL, hook, object, Vec), retain = |_| object == 7, max_idle = MAX_IDLE, local = value)]
struct Scratch(u8, #[pooled(set = NAME)] u8, #[pooled(with = |n| *n = object + hook)] u8, #[pooled(keep)] Vec);

#[derive(::pool_runtime::Pooled, ::pool_runtime::Reset)]
#[pooled(new = || Generic(POOL, [7; N]), max_idle = N + MAX_IDLE, instances(Generic<u8, 4>, Generic<u8, 8>))]
struct Generic<T: ::core::marker::Copy, const N: ::core::primitive::usize>(
    #[pooled(with = |_| ())] T,
    #[pooled(keep)] [T; N],
)
where
    usize: Convert<T>;

trait Convert<T> {}
impl Convert<u8> for usize {}

#[derive(::pool_runtime::Pooled, ::pool_runtime::Reset)]
enum State {
    #[pooled(default)]
    Some(u8, #[pooled(set = hook)] u8),
    None,
}

fn main() {
    use ::pool_runtime::Pooled as _;

    let mut state = State::None;
    State::reset_object(&mut state);
    assert!(matches!(state, State::Some(0, 7)));
    assert_eq!((Generic::<u8, 4>::pool().max_idle(), Generic::<u8, 8>::pool().max_idle()), (11, 15));

    let mut scratch = Scratch::create_object();
    Scratch::reset_object(&mut scratch);
    assert!(matches!(scratch, Scratch(0, 7, 14, Vec)));
    assert!(Scratch::retain_object(&scratch));
    assert!(Scratch::pool().name().ends_with("::Scratch"));
}
