use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(set = self.bytes.len())]
    field: usize,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
