use pool_runtime::Pooled;

#[derive(Default, Pooled)]
enum State {
    #[default]
    Empty,
    Full(#[pooled(clear)] Vec<u8>),
}

fn main() {
    let _state = State::acquire();
}
