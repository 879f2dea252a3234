use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(with = |bytes, n| bytes.truncate(n))]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
