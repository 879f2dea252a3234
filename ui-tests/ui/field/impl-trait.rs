use pool_runtime::Pooled;

#[derive(Pooled)]
struct Scratch {
    #[pooled(keep)]
    field: impl Copy,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
