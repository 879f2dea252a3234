use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Buf<T> {
    items: Vec<T>,
}

fn main() {
    let _buf = Buf::<u8>::acquire();
}
