use pool_runtime::Pooled;

static LEVEL: std::sync::OnceLock<u8> = std::sync::OnceLock::new();

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(set = match LEVEL.get() { Some(level) => *level, None => return })]
    field: u8,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
