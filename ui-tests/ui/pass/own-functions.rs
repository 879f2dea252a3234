//! A type may have functions of the names of `Pooled`'s. One without arguments hides the pool's, but for `<T as Pooled>::acquire()`.

use pool_runtime::{Guard, Pooled};

/// A method.
#[derive(Default, Pooled)]
struct Semaphore(u8);

impl Semaphore {
    fn acquire(&mut self) -> u8 {
        self.0 += 1;
        self.0
    }
}

/// With an argument.
#[derive(Default, Pooled)]
struct Line(Vec<u8>);

impl Line {
    fn acquire(bytes: &[u8]) -> Guard<Self> {
        let mut line = <Self as Pooled>::acquire();
        line.0.extend(bytes);
        line
    }
}

/// One of the pool's after all.
#[derive(Default, Pooled)]
#[pooled(instances(Page<u8>))]
struct Page<T>(Vec<T>);

impl Page<u8> {
    fn acquire() -> Guard<Self> {
        let mut page = <Self as Pooled>::acquire();
        page.0.push(1);
        page
    }
}

fn main() {
    assert_eq!(<Semaphore as Pooled>::acquire().acquire(), 1);
    assert_eq!(Line::acquire(b"abc").0, b"abc");
    assert_eq!(Page::<u8>::acquire().0, [1]);
    assert_eq!(<Page<u8> as Pooled>::acquire().0, []);
}
