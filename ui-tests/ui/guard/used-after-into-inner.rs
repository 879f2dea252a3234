use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let scratch = Scratch::acquire();
    let inner = pool_runtime::Guard::into_inner(scratch);
    println!("{} {}", inner.bytes.len(), scratch.bytes.len());
}
