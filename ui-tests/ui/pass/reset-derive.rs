use std::borrow::Cow;
use std::marker::PhantomData;

use pool_runtime::{Pooled, Reset};

#[derive(Reset)]
struct Inner {
    bytes: Vec<u8>,
    #[pooled(set = 1)]
    number: u64,
    #[pooled(keep)]
    kept: u64,
}

/// Both derives on one type read one attribute.
#[derive(Pooled, Reset)]
#[pooled(new = || Outer(Inner { bytes: vec![], number: 1, kept: 1 }), max_idle = 4)]
struct Outer(Inner);

#[derive(Reset)]
struct Unit;

#[derive(Reset)]
#[pooled(reset = |whole| whole.0 = 7)]
struct Whole<T>(u8, PhantomData<T>);

/// Of no bound: what is `Reset` whatever `T` is, and what is reset by a key.
#[derive(Reset)]
struct Lists<'a, T, const N: usize> {
    list: Vec<T>,
    lists: [Vec<T>; N],
    borrowed: Option<&'a T>,
    #[pooled(with = |cow| *cow = Cow::Borrowed(""))]
    cow: Cow<'a, str>,
    #[pooled(clear)]
    cleared: Vec<T>,
    #[pooled(keep)]
    kept: T,
}

struct NotReset;

/// `T: Reset`, `T::Item: Default`, `Box<T>: Reset`.
#[derive(Reset)]
struct Bounded<T: Iterator> {
    one: T,
    #[pooled(default)]
    item: T::Item,
    boxed: Box<T>,
}

struct Numbers(u8);

impl Iterator for Numbers {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        None
    }
}

impl Reset for Numbers {
    fn reset(&mut self) {
        self.0 = 0;
    }
}

/// A type that contains itself.
#[derive(Reset)]
struct Tree<T> {
    value: T,
    children: Vec<Tree<T>>,
    next: Option<Box<Self>>,
}

#[derive(Reset)]
#[pooled(bound(T: Named, T::Part: Reset))]
struct Explicit<T: Named> {
    part: T::Part,
    #[pooled(with = T::rename)]
    named: T,
}

trait Named {
    type Part;

    fn rename(&mut self);
}

impl Named for String {
    type Part = u8;

    fn rename(&mut self) {
        "renamed".clone_into(self);
    }
}

#[derive(Reset)]
#[pooled(bound())]
struct Free<T> {
    list: Vec<T>,
}

fn main() {
    let mut outer = Outer(Inner { bytes: vec![1], number: 7, kept: 7 });
    outer.reset();
    assert!(outer.0.bytes.is_empty() && outer.0.number == 1 && outer.0.kept == 7);
    drop(Outer::acquire());

    Unit.reset();
    let mut whole = Whole(1, PhantomData::<NotReset>);
    whole.reset();
    assert_eq!(whole.0, 7);

    let text = "text".to_owned();
    let mut lists = Lists {
        list: vec![NotReset],
        lists: [vec![NotReset], vec![]],
        borrowed: Some(&NotReset),
        cow: Cow::Borrowed(&text),
        cleared: vec![NotReset],
        kept: NotReset,
    };
    lists.reset();
    assert!(lists.list.is_empty() && lists.lists[0].is_empty() && lists.borrowed.is_none());
    assert!(lists.cow.is_empty() && lists.cleared.is_empty());

    let mut bounded = Bounded { one: Numbers(1), item: 1, boxed: Box::new(Numbers(1)) };
    bounded.reset();
    assert_eq!((bounded.one.0, bounded.item, bounded.boxed.0), (0, 0, 0));

    let leaf = || Tree { value: 1, children: vec![], next: None };
    let mut tree = Tree { value: 1, children: vec![leaf()], next: Some(Box::new(leaf())) };
    tree.reset();
    assert!(tree.value == 0 && tree.children.is_empty() && tree.next.is_none());

    let mut explicit = Explicit { part: 1, named: String::new() };
    explicit.reset();
    assert_eq!((explicit.part, &*explicit.named), (0, "renamed"));

    let mut free = Free { list: vec![NotReset] };
    free.reset();
    assert!(free.list.is_empty());
}
