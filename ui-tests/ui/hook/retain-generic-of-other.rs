use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(retain = small::<u16>)]
struct Scratch {
    bytes: Vec<u8>,
}

fn small<T>(list: &Vec<T>) -> bool {
    list.capacity() < 64
}

fn main() {
    let _scratch = Scratch::acquire();
}
