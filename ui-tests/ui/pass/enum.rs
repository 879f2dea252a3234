use pool_runtime::Pooled;

#[derive(Default, Debug, PartialEq, Pooled)]
#[pooled(reset = |state| *state = Self::default())]
enum State {
    #[default]
    Empty,
    Line(Vec<u8>),
    Pair {
        a: u8,
        b: u8,
    },
}

fn main() {
    for mut state in [State::Line(vec![1]), State::Pair { a: 1, b: 2 }] {
        State::reset_object(&mut state);
        assert_eq!(state, State::Empty);
    }
}
