use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(weigh = |scratch| scratch.bytes.capacity() as u64)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
