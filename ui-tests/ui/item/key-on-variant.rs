use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(reset = |state| *state = State::Empty)]
enum State {
    #[default]
    #[pooled(default)]
    Empty,
    Full(Vec<u8>),
}

fn main() {
    let _state = State::acquire();
}
