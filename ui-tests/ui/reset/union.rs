use pool_runtime::Reset;

#[derive(Clone, Copy, Reset)]
union Scratch {
    bytes: [u8; 8],
    number: u64,
}

fn main() {
    Scratch { number: 1 }.reset();
}
