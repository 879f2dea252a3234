use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(reset = async |scratch| scratch.bytes.clear())]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
