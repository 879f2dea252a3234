use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = Scratch::open)]
struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    fn open() -> std::io::Result<Self> {
        Ok(Self { bytes: vec![] })
    }
}

fn main() {
    let _scratch = Scratch::acquire();
}
