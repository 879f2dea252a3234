use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    bytes: Vec<u8>,
}

fn main() {
    let bytes: &[u8];
    {
        let scratch = Scratch::acquire();
        bytes = &scratch.bytes;
    }
    println!("{bytes:?}");
}
