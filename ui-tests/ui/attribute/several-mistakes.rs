use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = "Scratch::new", max_idle, colour = red)]
struct Scratch {
    #[pooled(skip)]
    bytes: Vec<u8>,
    #[pooled(keep, clear)]
    lines: Vec<u64>,
}

impl Scratch {
    fn new() -> Self {
        Self { bytes: vec![], lines: vec![] }
    }
}

fn main() {
    let mut scratch = Scratch::acquire();
    scratch.bytes.push(1);
    drop(scratch);
    let _scratch = Scratch::new();
}
