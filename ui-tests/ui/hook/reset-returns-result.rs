use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(reset = Scratch::rewind)]
struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    fn rewind(&mut self) -> std::io::Result<()> {
        self.bytes.clear();
        Ok(())
    }
}

fn main() {
    let _scratch = Scratch::acquire();
}
