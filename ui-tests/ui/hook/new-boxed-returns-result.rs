use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new_boxed = Scratch::open)]
struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    fn open() -> std::io::Result<Box<Self>> {
        Ok(Box::new(Self { bytes: vec![] }))
    }
}

fn main() {
    let _scratch = Scratch::acquire();
}
