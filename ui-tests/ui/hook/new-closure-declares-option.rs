use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = || -> Option<Self> { Some(Self { bytes: vec![] }) })]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
