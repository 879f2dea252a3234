use pool_runtime::Pooled;

use pool_runtime::Guard;

#[derive(Default, Pooled)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let mut scratch = Scratch::acquire();
    Guard::discard(scratch);
    scratch.bytes.push(1);
}
