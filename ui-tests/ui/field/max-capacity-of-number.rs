use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(max_capacity = 64)]
    bytes: u64,
}

fn main() {
    let _scratch = Scratch::acquire();
}
