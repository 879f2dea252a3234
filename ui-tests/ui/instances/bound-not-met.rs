use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = || Scratch { items: vec![] }, instances(Scratch<Codec>))]
struct Scratch<T: Copy> {
    items: Vec<T>,
}

struct Codec;

fn main() {}
