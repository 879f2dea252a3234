use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(weigh = Scratch::bytes)]
struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    fn bytes(&self) -> u64 {
        self.bytes.capacity() as u64
    }
}

fn main() {
    let _scratch = Scratch::acquire();
}
