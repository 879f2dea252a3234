use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(max_idle = most())]
struct Scratch {
    bytes: Vec<u8>,
}

fn most() -> usize {
    64
}

fn main() {
    let _scratch = Scratch::acquire();
}
