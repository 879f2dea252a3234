use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(wipe)]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
