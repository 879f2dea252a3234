use pool_runtime::Pooled;

#[derive(Default)]
struct Spool(Vec<u8>);

impl Spool {
    async fn clear(&mut self) {
        self.0.clear();
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
