use pool_runtime::Reset;

#[derive(Reset)]
#[pooled(bound(T: Clone))]
struct Scratch<T> {
    item: T,
}

fn main() {
    Scratch { item: 1 }.reset();
}
