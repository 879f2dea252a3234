use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(instances(Scratch<Bytes>))]
struct Scratch<T> {
    items: Vec<T>,
}

fn main() {}
