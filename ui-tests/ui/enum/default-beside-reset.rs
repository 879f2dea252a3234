use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(reset = |state| *state = State::Empty)]
enum State {
    #[pooled(default)]
    Empty,
    Full(Vec<u8>),
}

fn main() {
    let _state = State::acquire();
}
