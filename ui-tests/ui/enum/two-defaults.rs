use pool_runtime::Pooled;

#[derive(Pooled)]
enum State {
    #[pooled(default)]
    Empty,
    #[pooled(default)]
    Full(Vec<u8>),
}

fn main() {
    let _state = State::acquire();
}
