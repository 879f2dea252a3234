use pool_runtime::{Guard, Pooled};

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pooled)]
struct Scratch(Vec<u8>);

fn send_sync<T: Send + Sync + Unpin + 'static>(_: &T) {}

fn main() {
    let guard = Scratch::acquire();
    send_sync(&guard);
    send_sync(Scratch::pool());
    assert_eq!(size_of::<Option<Guard<Scratch>>>(), size_of::<usize>());
    let copy: Scratch = Scratch::clone(&guard);
    assert_eq!(*guard, copy);
}
