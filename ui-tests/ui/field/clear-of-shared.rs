use pool_runtime::Pooled;

use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Routes(Mutex<Vec<String>>);

impl Routes {
    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(clear)]
    field: Arc<Routes>,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
