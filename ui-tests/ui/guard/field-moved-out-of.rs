use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let scratch = Scratch::acquire();
    let bytes = scratch.bytes;
    drop(bytes);
}
