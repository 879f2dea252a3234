use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(instances(Scratch<u8>, Scratch<u16>))]
struct Scratch<T> {
    items: Vec<T>,
}

fn main() {
    let _scratch = Scratch::<u8>::acquire();
}
