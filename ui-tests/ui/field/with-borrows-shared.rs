use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(with = |bytes: &Vec<u8>| drop(bytes.len()))]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
