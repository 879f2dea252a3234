use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(instances(u8, u16))]
struct Scratch<T> {
    items: Vec<T>,
}

fn main() {
    let _scratch = Scratch::<u8>::acquire();
}
