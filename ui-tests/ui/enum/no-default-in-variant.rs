use pool_runtime::Pooled;

#[derive(Pooled)]
enum State {
    #[pooled(default)]
    Full(Codec),
    Empty,
}

struct Codec;

impl pool_runtime::Reset for Codec {
    fn reset(&mut self) {}
}

fn main() {
    let _state = State::acquire();
}
