use pool_runtime::Reset;

#[derive(Reset)]
struct Scratch<T> {
    item: T,
}

struct Codec;

fn main() {
    Scratch { item: Codec }.reset();
}
