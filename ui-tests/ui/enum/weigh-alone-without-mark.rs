use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(weigh)]
enum State {
    #[default]
    Empty,
    Full(Vec<u8>),
}

fn main() {
    let _state = State::acquire();
}
