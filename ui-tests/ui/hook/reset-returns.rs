use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(reset = |scratch| scratch.bytes.len())]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
