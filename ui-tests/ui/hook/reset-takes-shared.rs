use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(reset = restore)]
struct Scratch {
    bytes: Vec<u8>,
}

fn restore(_: &Scratch) {}

fn main() {
    let _scratch = Scratch::acquire();
}
