use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(set = vec![], with = Vec::clear)]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
