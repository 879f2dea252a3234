use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = |n| Scratch { bytes: Vec::with_capacity(n) })]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
