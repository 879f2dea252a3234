use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    bytes: Vec<u8>,
}

fn clone<T: Clone>(_: &T) {}

fn main() {
    clone::<pool_runtime::Pool<Scratch>>(Scratch::pool());
}
