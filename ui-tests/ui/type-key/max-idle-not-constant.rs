use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(max_idle = std::env::args().count())]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
