use pool_runtime::Pooled;

#[derive(Default)]
struct Spool(Vec<u8>);

impl Spool {
    fn clear(&mut self) -> Result<(), std::io::Error> {
        Err(std::io::ErrorKind::Other.into())
    }
}

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(clear)]
    field: Spool,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
