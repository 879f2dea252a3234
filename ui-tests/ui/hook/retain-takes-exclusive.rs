use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(retain = keep)]
struct Scratch {
    bytes: Vec<u8>,
}

fn keep(_: &mut Scratch) -> bool {
    true
}

fn main() {
    let _scratch = Scratch::acquire();
}
