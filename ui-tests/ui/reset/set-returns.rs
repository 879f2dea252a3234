use pool_runtime::Reset;

#[derive(Reset)]
struct Scratch {
    #[pooled(set = if u8::MAX == 255 { return } else { 4 })]
    level: u8,
    bytes: Vec<u8>,
}

fn main() {
    Scratch { level: 1, bytes: vec![1] }.reset();
}
