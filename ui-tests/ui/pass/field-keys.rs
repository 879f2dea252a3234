use pool_runtime::Pooled;

/// Nothing but a `clear`.
#[derive(Default)]
struct Log(u32);

impl Log {
    fn clear(&mut self) {
        self.0 = 100;
    }
}

#[derive(Default, Pooled)]
struct Scratch {
    plain: Vec<u8>,
    #[pooled(clear)]
    cleared: Log,
    #[pooled(default)]
    defaulted: Option<std::rc::Weak<u8>>,
    #[pooled(set = 40 + 2)]
    set: u64,
    #[pooled(set = Vec::with_capacity(Self::CAPACITY))]
    set_by_constant: Vec<u8>,
    #[pooled(with = Vec::clear)]
    with_path: Vec<u8>,
    #[pooled(with = truncate::<u8>)]
    with_generic_path: Vec<u8>,
    #[pooled(with = |bytes| bytes.truncate(2))]
    with_closure: Vec<u8>,
    #[pooled(with = Self::negate,)]
    with_method: i32,
    #[pooled(keep)]
    kept: u64,
}

// SAFETY: `defaulted` is never set.
unsafe impl Send for Scratch {}

impl Scratch {
    const CAPACITY: usize = 64;

    fn negate(number: &mut i32) {
        *number = -*number;
    }
}

fn truncate<T>(items: &mut Vec<T>) {
    items.truncate(1);
}

fn main() {
    let three = || vec![1, 2, 3];
    let mut scratch = Scratch {
        plain: three(),
        cleared: Log(1),
        defaulted: None,
        set: 1,
        set_by_constant: three(),
        with_path: three(),
        with_generic_path: three(),
        with_closure: three(),
        with_method: 7,
        kept: 7,
    };
    Scratch::reset_object(&mut scratch);
    assert!(scratch.plain.is_empty());
    assert_eq!(scratch.cleared.0, 100);
    assert!(scratch.defaulted.is_none());
    assert_eq!(scratch.set, 42);
    assert!(scratch.set_by_constant.is_empty() && scratch.set_by_constant.capacity() >= 64);
    assert!(scratch.with_path.is_empty());
    assert_eq!(scratch.with_generic_path, [1]);
    assert_eq!(scratch.with_closure, [1, 2]);
    assert_eq!(scratch.with_method, -7);
    assert_eq!(scratch.kept, 7);
}
