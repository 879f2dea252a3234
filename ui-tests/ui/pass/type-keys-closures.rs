use pool_runtime::{OnPanic, Pooled};

#[derive(Pooled)]
#[pooled(
    new = || Self { bytes: Vec::with_capacity(64), lines: 1 },
    reset = |scratch| {
        scratch.bytes.clear();
        scratch.lines = 1;
    },
    retain = |scratch| scratch.bytes.capacity() < 1024,
    max_idle = 64,
    local = 0,
    name = concat!("a", "b"),
    on_panic = discard,
)]
struct Scratch {
    bytes: Vec<u8>,
    lines: u64,
}

fn main() {
    let mut scratch = Scratch::create_object();
    assert!(scratch.bytes.capacity() >= 64);
    scratch.bytes.push(1);
    scratch.lines = 2;
    Scratch::reset_object(&mut scratch);
    assert!(scratch.bytes.is_empty() && scratch.lines == 1);
    assert!(Scratch::retain_object(&scratch));
    assert_eq!(Scratch::ON_PANIC, OnPanic::Discard);
    assert_eq!(Scratch::pool().name(), "ab");
}
