use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(instances(Scratch<Codec>))]
struct Scratch<T> {
    item: T,
}

#[derive(Default)]
struct Codec;

fn main() {}
