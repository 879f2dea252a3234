use pool_runtime::Reset;

#[derive(Reset)]
struct Scratch<T> {
    #[pooled(skip)]
    item: T,
}

fn main() {
    Scratch { item: 1 }.reset();
}
