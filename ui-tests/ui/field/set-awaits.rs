use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(set = std::future::ready(1).await)]
    field: u8,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
