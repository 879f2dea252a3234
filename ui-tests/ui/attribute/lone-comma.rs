use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(,)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
