use pool_runtime::Pooled;

struct Codec;

#[derive(Pooled)]
#[pooled(new = || Scratch { bytes: vec![], codec: Codec })]
struct Scratch {
    bytes: Vec<u8>,
    codec: Codec,
}

fn main() {
    let _scratch = Scratch::acquire();
}
