use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use pool_runtime::{Guard, Pooled};

macro_rules! bytes {
    () => { Vec<u8> };
}

#[derive(Default, Pooled)]
struct Inner(Vec<u8>);

#[derive(Default, Pooled)]
struct Scratch {
    map: HashMap<String, Vec<u8>>,
    array: [Vec<u8>; 2],
    tuple: (u8, String),
    boxed: Box<str>,
    nested: Option<Guard<Inner>>,
    shared: Mutex<Vec<u8>>,
    callback: Option<Box<dyn FnMut(&str) -> usize + Send>>,
    borrowed: Option<&'static str>,
    pointer: Option<fn(&mut Self)>,
    itself: Option<Box<Self>>,
    by_macro: bytes!(),
    marker: PhantomData<fn(&str)>,
    #[pooled(default)]
    arc: Arc<str>,
    #[pooled(with = |callback| *callback = None)]
    with: Option<Box<dyn FnMut(&str) + Send>>,
}

fn main() {
    let mut scratch = Scratch::acquire();
    scratch.map.insert("a".to_owned(), vec![1]);
    scratch.nested = Some(Inner::acquire());
    scratch.itself = Some(Box::default());
    Scratch::reset_object(&mut scratch);
    assert!(scratch.map.is_empty() && scratch.nested.is_none() && scratch.itself.is_none());
}
