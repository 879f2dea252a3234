use pool_runtime::Pooled;

use std::ops::{Deref, DerefMut};

#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
    peer: Option<String>,
}

impl Deref for Message {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Message {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        self.peer = None;
        &mut self.bytes
    }
}

#[derive(Default, Pooled)]
struct Scratch {
    #[pooled(clear)]
    field: Message,
    bytes: Vec<u8>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
