use pool_runtime::Pooled;

#[derive(Pooled)]
enum Scratch {
    Empty,
    #[pooled(defualt)]
    Full(#[pooled(clear)] Vec<u8>),
}

fn main() {
    let _scratch = Scratch::acquire();
}
