use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    fn acquire() -> Self {
        Self::default()
    }
}

fn main() {
    let _scratch = Scratch::acquire();
}
