use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(retain = |scratch, n| scratch.bytes.len() < n)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
