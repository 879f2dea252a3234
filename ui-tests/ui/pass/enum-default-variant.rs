use pool_runtime::{Pooled, Reset};

/// Without keys, `Default` says what an object is at first, and after a reset.
#[derive(Default, Debug, PartialEq, Pooled, Reset)]
enum Plain {
    #[default]
    Empty,
    Line(Vec<u8>),
}

/// `new` takes the place of `Default`.
#[derive(Pooled)]
#[pooled(new = || Fresh::Port(80))]
enum Fresh {
    Port(u16),
}

/// The default variant keeps what it owns, if the object is in it.
#[derive(Pooled, Reset)]
enum Marked {
    Failed(String),
    #[pooled(default)]
    Reading {
        line: Vec<u8>,
        #[pooled(set = 1)]
        number: u64,
        #[pooled(keep)]
        kept: u64,
        #[pooled(default)]
        arc: std::sync::Arc<str>,
        #[pooled(clear)]
        cleared: String,
        #[pooled(with = |list| list.truncate(1), max_capacity = 64)]
        list: Vec<u8>,
    },
}

#[derive(Pooled)]
enum Tuple {
    Other,
    #[pooled(default)]
    Pair(Vec<u8>, #[pooled(set = 2)] u8),
}

#[derive(Pooled)]
enum Single {
    #[pooled(default)]
    Only(Vec<u8>),
}

#[derive(Pooled)]
enum Unit {
    #[pooled(default)]
    Only,
}

#[derive(Reset)]
enum Generic<T> {
    #[pooled(default)]
    Some(T, Vec<T>),
    None,
}

#[derive(Default, Reset)]
enum GenericPlain<T> {
    #[default]
    None,
    Some(T),
}

fn main() {
    let mut plain = Plain::Line(vec![1]);
    Plain::reset_object(&mut plain);
    assert_eq!((&plain, &*Plain::acquire()), (&Plain::Empty, &Plain::Empty));
    plain = Plain::Line(vec![1]);
    plain.reset();
    assert_eq!(plain, Plain::Empty);

    let Fresh::Port(mut port) = Fresh::create_object();
    assert_eq!(port, 80);
    port += 1;
    let mut fresh = Fresh::Port(port);
    Fresh::reset_object(&mut fresh);
    assert!(matches!(fresh, Fresh::Port(80)));

    let mut marked = Marked::create_object();
    let Marked::Reading { line, number, kept, list, .. } = &mut marked else { unreachable!() };
    assert_eq!(*number, 0);
    (*number, *kept) = (7, 7);
    line.extend([1; 100]);
    list.extend([1; 100]);
    Marked::reset_object(&mut marked);
    let Marked::Reading { line, number, kept, arc, cleared, list } = &marked else { unreachable!() };
    assert!(line.is_empty() && line.capacity() >= 100 && arc.is_empty() && cleared.is_empty());
    assert_eq!((*number, *kept, &list[..]), (1, 7, &[1][..]));
    assert!(list.capacity() < 100);
    marked = Marked::Failed("no".to_owned());
    marked.reset();
    assert!(matches!(marked, Marked::Reading { number: 1, kept: 0, .. }));

    let mut tuple = Tuple::Other;
    Tuple::reset_object(&mut tuple);
    assert!(matches!(tuple, Tuple::Pair(list, 2) if list.is_empty()));
    drop((Single::acquire(), Unit::acquire()));

    let mut generic = Generic::Some(1, vec![1]);
    generic.reset();
    assert!(matches!(generic, Generic::Some(0, list) if list.is_empty()));
    let mut generic = Generic::<u8>::None;
    generic.reset();
    assert!(matches!(generic, Generic::Some(..)));
    let mut generic = GenericPlain::Some(1);
    generic.reset();
    assert!(matches!(generic, GenericPlain::None));
}
