use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(instances(Scratch<&str>))]
struct Scratch<T> {
    items: Vec<T>,
}

fn main() {
    let _scratch = Scratch::<&str>::acquire();
}
