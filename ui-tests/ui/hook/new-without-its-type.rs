use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = new)]
struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    fn new() -> Self {
        Self { bytes: vec![] }
    }
}

fn main() {
    let _scratch = Scratch::acquire();
}
