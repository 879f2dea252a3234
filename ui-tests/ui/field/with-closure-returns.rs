use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(with = |bytes| bytes.pop())]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
