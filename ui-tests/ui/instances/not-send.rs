use std::rc::Rc;

use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(instances(Scratch<Rc<u8>>))]
struct Scratch<T> {
    #[pooled(default)]
    item: T,
}

fn main() {}
