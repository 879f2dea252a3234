use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(default)]
struct Scratch {
    #[pooled(keep)]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
