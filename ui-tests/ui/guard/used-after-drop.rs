use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let mut scratch = Scratch::acquire();
    drop(scratch);
    scratch.bytes.push(1);
}
