use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(instances(Scratch<u8>))]
struct Scratch<T, const N: usize> {
    items: Vec<[T; N]>,
}

fn main() {
    let _scratch = Scratch::<u8, 4>::acquire();
}
