use pool_runtime::Reset;

#[derive(Reset)]
#[pooled(max_idle = 64)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    Scratch { bytes: vec![] }.reset();
}
