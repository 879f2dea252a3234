use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(local = 0.5)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
