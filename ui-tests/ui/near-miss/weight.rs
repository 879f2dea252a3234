use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(weight = |scratch| scratch.bytes.capacity())]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
