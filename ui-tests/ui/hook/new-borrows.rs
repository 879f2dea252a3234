use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = || &SCRATCH)]
struct Scratch {
    bytes: Vec<u8>,
}

static SCRATCH: Scratch = Scratch { bytes: vec![] };

fn main() {
    let _scratch = Scratch::acquire();
}
