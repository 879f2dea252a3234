use pool_runtime::Pooled;

#[derive(Pooled)]
enum State {
    #[pooled(default)]
    Full(Codec),
    Empty,
}

#[derive(Default)]
struct Codec;

fn main() {
    let _state = State::acquire();
}
