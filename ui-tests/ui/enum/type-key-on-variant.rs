use pool_runtime::Pooled;

#[derive(Default, Pooled)]
enum State {
    #[default]
    #[pooled(max_idle = 64)]
    Empty,
    Full(Vec<u8>),
}

fn main() {
    let _state = State::acquire();
}
