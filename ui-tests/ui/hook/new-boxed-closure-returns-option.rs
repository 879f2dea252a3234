use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new_boxed = || Some(Box::new(Scratch { bytes: vec![] })))]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
