use pool_runtime::Reset;

#[derive(Reset)]
enum Scratch {
    Empty,
    Full(Vec<u8>),
}

fn main() {
    Scratch::Empty.reset();
    Scratch::Full(vec![]).reset();
}
