use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(colour = red)]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
