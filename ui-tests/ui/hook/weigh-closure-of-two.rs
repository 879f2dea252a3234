use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(weigh = |scratch, n| scratch.bytes.capacity() * n)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
