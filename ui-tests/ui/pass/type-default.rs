//! A type whose new value is not that of its fields' resets is replaced with a new one.

use pool_runtime::{Pooled, Reset};

#[derive(Debug, PartialEq, Pooled)]
#[pooled(new = || Limits { depth: 128, names: vec![1] }, default)]
struct Limits {
    depth: u32,
    names: Vec<u8>,
}

#[derive(Debug, PartialEq, Pooled, Reset)]
#[pooled(default)]
struct Config {
    depth: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { depth: 64 }
    }
}

#[derive(Debug, Default, PartialEq, Pooled, Reset)]
#[pooled(default, instances(Generic<u8>))]
struct Generic<T>(T, Option<T>);

#[derive(Debug, Default, PartialEq, Pooled, Reset)]
#[pooled(default)]
enum State {
    #[default]
    Idle,
    Busy,
}

fn main() {
    let new = || Limits { depth: 128, names: vec![1] };
    let mut limits = Limits::acquire();
    assert_eq!(*limits, new());
    limits.depth = 0;
    limits.names.clear();
    drop(limits);
    assert_eq!(*Limits::acquire(), new());

    for derived in [Config::reset_object, Config::reset] {
        let mut config = Config { depth: 1 };
        derived(&mut config);
        assert_eq!(config, Config { depth: 64 });
    }
    let mut generic = Generic(1, Some(1));
    generic.reset();
    assert_eq!(generic, Generic(0, None));
    generic = Generic(1_u8, Some(1));
    Generic::reset_object(&mut generic);
    assert_eq!(generic, Generic(0, None));
    let mut state = State::Busy;
    state.reset();
    assert_eq!(state, State::Idle);
    state = State::Busy;
    State::reset_object(&mut state);
    assert_eq!(state, State::Idle);
}
