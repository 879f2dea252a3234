use pool_runtime::{Pooled, Reset};

#[derive(Default, Pooled, Reset)]
struct Scratch {
    #[pooled(max_capacity = 16)]
    alone: Vec<u8>,
    #[pooled(clear, max_capacity = Self::MOST)]
    cleared: Vec<u8>,
    #[pooled(max_capacity = 16, set = vec![1; 2])]
    set: Vec<u8>,
    #[pooled(default, max_capacity = 0)]
    defaulted: String,
    #[pooled(with = |list| list.truncate(20))]
    #[pooled(max_capacity = 16)]
    with: Vec<u8>,
}

impl Scratch {
    const MOST: usize = 16;
}

fn main() {
    let full = || vec![1; 1000];
    let mut scratch = Scratch { alone: full(), cleared: full(), set: full(), defaulted: "a".repeat(100), with: full() };
    Scratch::reset_object(&mut scratch);
    let Scratch { alone, cleared, set, defaulted, with } = &scratch;
    assert!(alone.is_empty() && cleared.is_empty() && defaulted.is_empty());
    assert_eq!((set.len(), with.len()), (2, 20));
    let capacities = [alone.capacity(), cleared.capacity(), set.capacity(), defaulted.capacity(), with.capacity()];
    assert!(capacities.iter().all(|&capacity| capacity < 100), "{capacities:?}");
}
