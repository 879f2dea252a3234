use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    codec: Codec<u8>,
}

#[derive(Default)]
struct Codec<T>(T);

fn main() {
    let _scratch = Scratch::acquire();
}
