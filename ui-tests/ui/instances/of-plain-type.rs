use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(instances(Scratch<u8>))]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
