use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = make)]
struct Scratch {
    bytes: Vec<u8>,
}

fn make() -> Box<Scratch> {
    Box::new(Scratch { bytes: vec![] })
}

fn main() {
    let _scratch = Scratch::acquire();
}
