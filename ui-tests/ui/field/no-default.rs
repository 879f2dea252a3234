use pool_runtime::Pooled;

struct Codec;

#[derive(Pooled)]
#[pooled(new = || Scratch { codec: Codec })]
struct Scratch {
    #[pooled(default)]
    codec: Codec,
}

fn main() {
    let _scratch = Scratch::acquire();
}
