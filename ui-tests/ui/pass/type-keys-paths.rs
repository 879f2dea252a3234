use pool_runtime::{OnPanic, Pooled};

const LOCAL: usize = 8;

#[derive(Pooled)]
#[pooled(new = Self::with_capacity::<64>, reset = Self::restore, retain = small)]
#[pooled(max_idle = Self::MOST * 2, local = LOCAL, name = "scratch", on_panic = reset)]
struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    const MOST: usize = 16;

    fn with_capacity<const N: usize>() -> Self {
        Self { bytes: Vec::with_capacity(N) }
    }

    fn restore(&mut self) {
        self.bytes.clear();
    }
}

fn small(scratch: &Scratch) -> bool {
    scratch.bytes.capacity() < 1024
}

fn main() {
    let mut scratch = Scratch::create_object();
    assert!(scratch.bytes.capacity() >= 64);
    scratch.bytes.push(1);
    Scratch::reset_object(&mut scratch);
    assert!(scratch.bytes.is_empty());
    assert!(Scratch::retain_object(&scratch));
    scratch.bytes.reserve(1024);
    assert!(!Scratch::retain_object(&scratch));
    assert_eq!(Scratch::ON_PANIC, OnPanic::Reset);
    assert_eq!(Scratch::pool().name(), "scratch");
}
