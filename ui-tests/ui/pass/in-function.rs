use pool_runtime::Pooled;

fn generic<T: Default>() -> usize {
    const MOST: usize = 4;

    fn make() -> Scratch {
        Scratch { bytes: Vec::with_capacity(64) }
    }

    #[derive(Pooled)]
    #[pooled(new = make, max_idle = MOST)]
    struct Scratch {
        bytes: Vec<u8>,
    }

    let _ = T::default();
    Scratch::acquire().bytes.capacity()
}

fn instances() -> usize {
    const FOUR: usize = 4;

    #[derive(Default)]
    struct Local;

    #[derive(Default, Pooled)]
    #[pooled(instances(List<Local, FOUR>), max_idle = N)]
    struct List<T, const N: usize>(Vec<T>);

    List::<Local, 4>::pool().max_idle()
}

fn main() {
    assert_eq!(instances(), 4);
    assert!(generic::<u8>() >= 64);
    assert!(generic::<String>() >= 64);

    let closure = || {
        #[derive(Default, Pooled)]
        struct Scratch(u8);

        Scratch::acquire().0
    };
    assert_eq!(closure(), 0);
}
