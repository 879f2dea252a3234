use pool_runtime::Pooled;

#[derive(Default)]
struct Session {
    url: String,
}

impl Session {
    fn clear(&self) -> &str {
        &self.url
    }
}

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(clear)]
    field: Session,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
