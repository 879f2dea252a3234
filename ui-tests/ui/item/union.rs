use pool_runtime::Pooled;

#[derive(Clone, Copy, Pooled)]
union Word {
    bytes: [u8; 8],
    number: u64,
}

fn main() {
    let _word = Word::acquire();
}
