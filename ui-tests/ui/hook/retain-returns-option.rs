use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(retain = Scratch::is_small)]
struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    fn is_small(&self) -> Option<bool> {
        self.bytes.first().map(|first| *first < 7)
    }
}

fn main() {
    let _scratch = Scratch::acquire();
}
