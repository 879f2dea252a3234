use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = || Scratch { field: std::time::Instant::now(), bytes: vec![] })]
struct Scratch {
    #[pooled(default)]
    field: std::time::Instant,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
