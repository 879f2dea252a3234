use pool_runtime::{Guard, Pooled};

#[derive(Default, Pooled)]
struct Named {
    bytes: Vec<u8>,
    lines: u64,
}

#[derive(Default, Pooled)]
struct Tuple(Vec<u8>, #[pooled(keep)] u64);

#[derive(Default, Pooled)]
struct Unit;

#[derive(Default, Pooled)]
struct Braces {}

#[derive(Default, Pooled)]
struct Parens();

/// A bound that needs no parameter.
#[derive(Default, Pooled)]
struct Bounded(Vec<u8>)
where
    Vec<u8>: Default;

fn main() {
    let mut named = Named { bytes: vec![1], lines: 1 };
    Named::reset_object(&mut named);
    assert!(named.bytes.is_empty() && named.bytes.capacity() > 0 && named.lines == 0);

    let mut tuple = Tuple(vec![1], 1);
    Tuple::reset_object(&mut tuple);
    assert!(tuple.0.is_empty() && tuple.1 == 1);

    drop((Unit::acquire(), Braces::acquire(), Parens::acquire(), Bounded::acquire()));
    let _: Guard<Unit> = Pooled::adopt(Unit);
}
