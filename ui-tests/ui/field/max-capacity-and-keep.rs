use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(max_capacity = 64, keep)]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
