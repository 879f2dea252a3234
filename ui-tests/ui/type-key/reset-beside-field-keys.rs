use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(reset = Scratch::restore)]
struct Scratch {
    #[pooled(keep)]
    bytes: Vec<u8>,
    lines: u64,
    #[pooled(set = 1)]
    columns: u64,
}

impl Scratch {
    fn restore(&mut self) {
        self.lines = 0;
    }
}

fn main() {
    let _scratch = Scratch::acquire();
}
