#![no_implicit_prelude]
#![deny(warnings)]

use ::core::default::Default;

use ::pool_runtime::{Guard, Pooled};

#[allow(dead_code)]
struct Box;

#[derive(Pooled)]
#[pooled(new_boxed = Scratch::in_a_box)]
struct Scratch {
    bytes: ::std::vec::Vec<u8>,
}

impl Scratch {
    fn in_a_box() -> ::std::boxed::Box<Self> {
        ::std::boxed::Box::new(Self { bytes: ::std::vec::Vec::with_capacity(8) })
    }
}

#[derive(Pooled)]
#[pooled(new_boxed = || ::std::boxed::Box::new(Self([T::default(); N])), reset = |_| {})]
#[pooled(instances(Ring<u8, 4>, Ring<u16, 8>))]
struct Ring<T: Default + ::core::marker::Copy, const N: usize>([T; N]);

#[derive(Pooled)]
#[pooled(new_boxed = || ::std::boxed::Box::new(Plain::Idle))]
enum Plain {
    Idle,
    Busy(u8),
}

#[derive(Pooled)]
#[pooled(new_boxed = || ::std::boxed::Box::new(Marked::Idle))]
enum Marked {
    #[pooled(default)]
    Idle,
    Busy(u8),
}

#[derive(Pooled)]
#[pooled(new_boxed = || ::std::boxed::Box::new(Reading::Line(::std::vec::Vec::new())))]
enum Reading {
    #[pooled(default)]
    Line(::std::vec::Vec<u8>),
    Failed(u8),
}

fn main() {
    let scratch = Scratch::adopt_box(Scratch::in_a_box());
    ::std::assert!(scratch.bytes.capacity() == 8 && Scratch::create_object().bytes.capacity() == 8);
    let object: ::std::boxed::Box<Scratch> = Guard::into_box(scratch);
    ::std::mem::drop(Scratch::adopt_box(object));
    ::std::assert_eq!((Ring::<u8, 4>::acquire().0.len(), Ring::<u16, 8>::acquire().0.len()), (4, 8));

    let mut plain = Plain::Busy(1);
    Plain::reset_object(&mut plain);
    ::std::assert!(::std::matches!(plain, Plain::Idle));
    let mut marked = Marked::Busy(1);
    Marked::reset_object(&mut marked);
    ::std::assert!(::std::matches!(marked, Marked::Idle));
    let mut reading = Reading::Failed(1);
    Reading::reset_object(&mut reading);
    Reading::reset_object(&mut reading);
    ::std::assert!(::std::matches!(reading, Reading::Line(line) if line.is_empty()));
}
