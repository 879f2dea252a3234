use pool_runtime::Pooled;

#[derive(Pooled)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
