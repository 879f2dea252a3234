#![deny(unused_must_use)]

use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    Scratch::adopt(Scratch::default());
}
