use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _guard = pool_runtime::Guard(Box::new(Scratch::default()));
}
