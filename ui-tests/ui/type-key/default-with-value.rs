use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(default = 4)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
