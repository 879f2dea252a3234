use pool_runtime::Pooled;

macro_rules! leave {
    () => {
        return
    };
}

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(set = leave!())]
    field: u8,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
