use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(max_size = 64)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
