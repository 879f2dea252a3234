use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = || Scratch::open(7))]
struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    fn open(first: u8) -> std::io::Result<Self> {
        Ok(Self { bytes: vec![first] })
    }
}

fn main() {
    let _scratch = Scratch::acquire();
}
