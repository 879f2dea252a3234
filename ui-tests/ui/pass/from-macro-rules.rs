use pool_runtime::{Pooled, Reset};

macro_rules! pooled {
    ($name:ident { $($field:ident: $ty:ty = $value:expr),+ } $retain:expr, $with:path, $most:expr, $label:literal) => {
        #[derive(Pooled)]
        #[pooled(new = || Self { $($field: $value),+ }, retain = $retain, max_idle = $most, name = $label)]
        struct $name {
            $(
                #[pooled(with = $with)]
                $field: $ty
            ),+
        }
    };
}

pooled!(Scratch { a: Vec<u8> = vec![1], b: Vec<u16> = vec![2] } |scratch| scratch.a.is_empty(), Vec::clear, 2 + 2, "s");

macro_rules! plain {
    ($($name:ident($($ty:ty),*);)+) => {$(
        #[derive(Default, Pooled)]
        struct $name($($ty),*);
    )+};
}

plain! {
    One(Vec<u8>);
    Two(String, [u8; 4]);
}

macro_rules! generic {
    ($name:ident<$param:ident, $size:ident>($field:ty) $($instance:ty),+; $most:expr; $($bound:tt)*) => {
        #[derive(Default, Pooled, Reset)]
        #[pooled(instances($($instance),+), bound($($bound)*))]
        struct $name<$param, const $size: usize>(#[pooled(max_capacity = $most)] $field);
    };
}

generic!(List<T, N>(Vec<[T; N]>) List<u8, 4>, List<Vec<u16>, { 2 + 2 }>; N * 2; T: Reset);

macro_rules! state {
    ($name:ident, $first:ident, $($other:ident),*) => {
        #[derive(Pooled)]
        enum $name { #[pooled(default)] $first, $($other),* }
    };
}

state!(State, Idle, Busy);

fn main() {
    drop((List::<u8, 4>::acquire(), List::<Vec<u16>, 4>::acquire()));
    let mut list = List::<u8, 4>(vec![[1; 4]; 1000]);
    list.reset();
    assert!(list.0.is_empty() && list.0.capacity() < 100);
    let mut state = State::Busy;
    State::reset_object(&mut state);
    assert!(matches!(state, State::Idle));

    let mut scratch = Scratch::create_object();
    assert!(!Scratch::retain_object(&scratch));
    Scratch::reset_object(&mut scratch);
    assert!(scratch.a.is_empty() && scratch.b.is_empty());
    assert!(Scratch::retain_object(&scratch));
    assert_eq!(Scratch::pool().name(), "s");
    let (one, two) = (One::acquire(), Two::acquire());
    assert!(one.0.is_empty() && two.0.is_empty() && two.1 == [0; 4]);
}
