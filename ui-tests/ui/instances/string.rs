use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(instances("Scratch<u8>"))]
struct Scratch<T> {
    items: Vec<T>,
}

fn main() {
    let _scratch = Scratch::<u8>::acquire();
}
