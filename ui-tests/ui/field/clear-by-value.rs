use pool_runtime::Pooled;

#[derive(Clone, Copy, Default)]
struct Cells([u8; 4]);

impl Cells {
    fn clear(mut self) {
        self.0 = [0; 4];
    }
}

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(clear)]
    field: Cells,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
