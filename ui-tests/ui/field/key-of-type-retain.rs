use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(retain = |bytes| bytes.len() < 64)]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
