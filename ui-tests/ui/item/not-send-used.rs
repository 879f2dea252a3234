use pool_runtime::Pooled;

use std::cell::RefCell;
use std::rc::Rc;

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(default)]
    names: Rc<RefCell<Vec<String>>>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
