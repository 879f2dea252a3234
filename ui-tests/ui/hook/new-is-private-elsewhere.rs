use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = parts::make)]
struct Scratch {
    bytes: Vec<u8>,
}

mod parts {
    fn make() -> super::Scratch {
        super::Scratch { bytes: vec![] }
    }
}

fn main() {
    let _scratch = Scratch::acquire();
}
