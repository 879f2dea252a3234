use pool_runtime::Pooled;

#[derive(Pooled)]
enum State {
    Empty,
    Full(Vec<u8>),
}

fn main() {
    let _state = State::acquire();
}
