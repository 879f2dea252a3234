use pool_runtime::Pooled;

fn main() {
    let limit = 64;

    #[derive(Default, Pooled)]
    #[pooled(retain = |scratch| scratch.bytes.capacity() <= limit)]
    struct Scratch {
        bytes: Vec<u8>,
    }

    let scratch = Scratch::acquire();
    println!("{} of {limit}", scratch.bytes.len());
}
