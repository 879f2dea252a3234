use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(clear)]
    lines: u64,
}

fn main() {
    let _scratch = Scratch::acquire();
}
