use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(crate = std)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
