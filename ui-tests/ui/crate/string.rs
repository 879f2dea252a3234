use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(crate = "pool_runtime")]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
