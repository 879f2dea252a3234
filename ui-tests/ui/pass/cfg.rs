use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[cfg_attr(all(), pooled(max_idle = 4))]
#[cfg_attr(any(), pooled(nonsense))]
struct Scratch {
    #[cfg(all())]
    bytes: Vec<u8>,
    #[cfg(any())]
    missing: NoSuchType,
    #[cfg_attr(all(), pooled(keep))]
    kept: u8,
}

#[derive(Default, Pooled)]
struct Tuple(#[cfg(any())] NoSuchType, Vec<u8>, #[cfg(all())] u8);

#[derive(Pooled)]
enum State {
    #[cfg(any())]
    Missing(NoSuchType),
    #[cfg_attr(all(), pooled(default))]
    Idle {
        #[cfg(any())]
        missing: NoSuchType,
        #[cfg_attr(all(), pooled(set = 1))]
        number: u8,
    },
    #[cfg(all())]
    Busy,
}

#[derive(Default, Pooled)]
#[cfg_attr(all(), pooled(instances(Generic<u8>)))]
struct Generic<T>(#[cfg(any())] NoSuchType, #[cfg(all())] Vec<T>);

fn main() {
    let mut state = State::Busy;
    State::reset_object(&mut state);
    assert!(matches!(state, State::Idle { number: 1 }));
    assert!(Generic::<u8>::acquire().0.is_empty());

    let mut scratch = Scratch { bytes: vec![1], kept: 1 };
    Scratch::reset_object(&mut scratch);
    assert!(scratch.bytes.is_empty() && scratch.kept == 1);

    let mut tuple = Tuple(vec![1], 1);
    Tuple::reset_object(&mut tuple);
    assert!(tuple.0.is_empty() && tuple.1 == 0);
}
