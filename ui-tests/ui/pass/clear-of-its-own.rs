//! `clear` of the field's own type: inherent or a trait's, of a parameter, beside one of what it dereferences to.

use std::ops::{Deref, DerefMut};

use pool_runtime::{Pooled, Reset};

trait Clear {
    fn clear(&mut self);
}

#[derive(Default)]
struct ByTrait(u8);

impl Clear for ByTrait {
    fn clear(&mut self) {
        self.0 = 1;
    }
}

#[derive(Default)]
struct Both {
    bytes: Vec<u8>,
    peer: Option<u8>,
}

impl Both {
    fn clear(&mut self) {
        self.bytes.clear();
        self.peer = None;
    }
}

impl Clear for Both {
    fn clear(&mut self) {
        unreachable!("a method of the type's own comes first");
    }
}

impl Deref for Both {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        unreachable!("it is not asked for");
    }
}

impl DerefMut for Both {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        unreachable!("it is not asked for");
    }
}

#[derive(Default, Pooled, Reset)]
struct Scratch {
    #[pooled(clear)]
    by_trait: ByTrait,
    #[pooled(clear)]
    both: Both,
    #[pooled(clear, max_capacity = 4)]
    bytes: Vec<u8>,
}

#[derive(Default, Pooled, Reset)]
#[pooled(instances(Generic<ByTrait>, Generic<Both>))]
struct Generic<T: Clear>(#[pooled(clear)] T);

#[derive(Pooled)]
enum State {
    #[pooled(default)]
    Idle(#[pooled(clear)] Both),
    #[expect(dead_code)]
    Busy,
}

fn main() {
    let dirty = || Both { bytes: vec![1], peer: Some(1) };
    for derived in [Scratch::reset_object, Scratch::reset] {
        let mut scratch = Scratch { by_trait: ByTrait(7), both: dirty(), bytes: vec![1; 100] };
        derived(&mut scratch);
        assert_eq!((scratch.by_trait.0, scratch.both.bytes.len(), scratch.both.peer), (1, 0, None));
        assert!(scratch.bytes.is_empty() && scratch.bytes.capacity() < 100);
    }
    let mut generic = Generic(ByTrait(7));
    generic.reset();
    assert_eq!(generic.0.0, 1);
    drop((Generic::<ByTrait>::acquire(), Generic::<Both>::acquire()));
    let mut state = State::Idle(dirty());
    State::reset_object(&mut state);
    assert!(matches!(state, State::Idle(Both { peer: None, .. })));
}
