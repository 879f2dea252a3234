use pool_runtime::Reset;

#[derive(Reset)]
#[pooled(bound = "T: Reset")]
struct Scratch<T> {
    item: T,
}

fn main() {
    Scratch { item: 1 }.reset();
}
