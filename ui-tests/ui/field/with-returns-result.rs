use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(with = rewind)]
    bytes: Vec<u8>,
}

fn rewind(bytes: &mut Vec<u8>) -> std::io::Result<()> {
    bytes.clear();
    Ok(())
}

fn main() {
    let _scratch = Scratch::acquire();
}
