use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(max_capacity = 64, clear, max_capacity = 32)]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
