use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(weigh)]
#[repr(packed)]
struct Scratch {
    byte: u8,
    #[pooled(default)]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
