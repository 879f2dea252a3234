use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(new = "make")]
struct Scratch {
    bytes: Vec<u8>,
}

fn make() -> Scratch {
    Scratch { bytes: vec![] }
}

fn main() {
    let _scratch = Scratch::acquire();
}
