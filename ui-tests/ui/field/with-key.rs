use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(with = clear)]
    field: Vec<u8>,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
