use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    password: Box<[u8]>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
