use pool_runtime::Pooled;

#[derive(Pooled)]
enum State {}

fn main() {
    let _state = State::acquire();
}
