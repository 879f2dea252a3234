use pools::Pooled;

mod pools {
    pub use ::pool_runtime::*;
}

mod pool_runtime {}

#[derive(Default, Pooled)]
#[pooled(crate = pools)]
struct Scratch {
    #[pooled(keep = true)]
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
