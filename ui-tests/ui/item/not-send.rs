use pool_runtime::Pooled;

use std::rc::Rc;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(default)]
    names: Rc<str>,
}

fn main() {}
