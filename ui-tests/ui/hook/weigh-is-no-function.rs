use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(weigh = 4096)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
