//! The rules that every `Reset` and every `LimitCapacity` keeps to, tried with random contents.

use std::any::type_name;
use std::fmt::Debug;

use pool_runtime::{LimitCapacity, Reset};

use crate::random::Random;

const SEEDS: u64 = 100;

/// Fills and resets a value, again and again. After each reset `view` of it is that of a new value, and `room`, its capacity,
/// is never less than before the reset.
pub fn check_reset<T: Reset, V: PartialEq + Debug>(
    new: impl Fn() -> T,
    fill: impl Fn(&mut T, &mut Random),
    view: impl Fn(&T) -> V,
    room: impl Fn(&T) -> usize,
) {
    let (name, fresh) = (type_name::<T>(), view(&new()));
    let mut dirty = 0;
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let mut value = new();
        for _ in 0..3 {
            fill(&mut value, &mut random);
            dirty += u64::from(view(&value) != fresh);
            let before = room(&value);
            value.reset();
            assert_eq!(view(&value), fresh, "{name} with seed {seed} is not as new");
            assert!(
                room(&value) >= before,
                "{name} with seed {seed} has room for {}, and had for {before}",
                room(&value)
            );
        }
    }
    assert!(dirty > SEEDS, "{name} was as new before its reset {} times of {}", 3 * SEEDS - dirty, 3 * SEEDS);
}

/// [`check_reset`] for a type with a default and an equality, that owns no memory, or none that it keeps.
pub fn check_reset_to_default<T: Reset + Default + Clone + PartialEq + Debug>(fill: impl Fn(&mut T, &mut Random)) {
    check_reset(T::default, fill, T::clone, |_| 0);
}

/// Limits values of random size to random capacities. `view`, the contents, stays. The capacity does not change if it is within the
/// limit; otherwise it is then between `max` elements, or as many as the value holds, and `most` of that number.
pub fn check_limit<T: LimitCapacity, V: PartialEq + Debug>(
    make: impl Fn(&mut Random) -> T,
    view: impl Fn(&T) -> (usize, V),
    room: impl Fn(&T) -> usize,
    most: impl Fn(usize) -> usize,
) {
    let name = type_name::<T>();
    let mut shrunk = 0;
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let mut value = make(&mut random);
        let (before, capacity) = (view(&value), room(&value));
        let max = [0, random.below(capacity + 1), capacity, usize::MAX][random.below(4)];
        value.limit_capacity(max);
        assert_eq!(view(&value), before, "{name} with seed {seed} lost something");
        if capacity <= max {
            assert_eq!(room(&value), capacity, "{name} with seed {seed} was within the limit {max}");
        } else {
            let bound = max.max(before.0);
            let range = bound..=most(bound).min(capacity);
            assert!(range.contains(&room(&value)), "{name} with seed {seed}: {} is not in {range:?}", room(&value));
        }
        shrunk += usize::from(room(&value) < capacity);
    }
    assert!(shrunk > 10, "{name} was shrunk {shrunk} times of {SEEDS}");
}
