use pool_runtime::Pooled;

#[derive(Default)]
struct Cells([u8; 4]);

impl Cells {
    fn clear(&mut self, value: u8) {
        self.0 = [value; 4];
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
