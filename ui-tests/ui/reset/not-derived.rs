use pool_runtime::Reset;

struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    Scratch { bytes: vec![] }.reset();
}
