use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = make)]
struct Scratch {
    bytes: Vec<u8>,
}

fn make(capacity: usize) -> Scratch {
    Scratch { bytes: Vec::with_capacity(capacity) }
}

fn main() {
    let _scratch = Scratch::acquire();
}
