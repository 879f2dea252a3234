use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(reset = Scratch::cleared)]
struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    fn cleared(&mut self) -> &mut Self {
        self.bytes.clear();
        self
    }
}

fn main() {
    let _scratch = Scratch::acquire();
}
