use pool_runtime::Reset;

#[derive(Reset)]
struct Scratch {
    codec: Codec,
}

struct Codec;

fn main() {
    Scratch { codec: Codec }.reset();
}
