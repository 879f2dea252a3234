use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(set: 4)]
    field: usize,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
