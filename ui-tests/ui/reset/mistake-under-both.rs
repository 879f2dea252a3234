use pool_runtime::{Pooled, Reset};

#[derive(Default, Pooled, Reset)]
struct Scratch {
    #[pooled(skip)]
    bytes: Vec<u8>,
}

fn main() {
    Scratch::acquire().reset();
}
