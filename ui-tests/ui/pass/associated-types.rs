use std::marker::PhantomData;

use pool_runtime::{Pooled, Reset};

trait Codec {
    type Window: Reset + Default + Send;
    const SIZE: usize;

    fn size() -> usize {
        Self::SIZE
    }
}

trait Container {
    type Item: Default + Send;
}

#[derive(Default)]
struct Deflate;

#[derive(Debug, Default, PartialEq)]
struct Window {
    bytes: Vec<u8>,
    position: usize,
}

impl Window {
    fn at(position: usize) -> Self {
        Self { bytes: vec![], position }
    }

    fn clear(&mut self) {
        *self = Self::at(9);
    }
}

impl Reset for Window {
    fn reset(&mut self) {
        *self = Self::at(0);
    }
}

impl Codec for Deflate {
    type Window = Window;

    const SIZE: usize = 7;
}

impl Container for Deflate {
    type Item = u8;
}

/// The type belongs to a parameter, to two, to a bound in a `where`, and to what a bound's trait names.
#[derive(Default, Pooled, Reset)]
#[pooled(max_idle = C::SIZE, instances(Decoder<Deflate, std::vec::IntoIter<u16>>))]
struct Decoder<C: Codec + Container, I>
where
    I: Iterator,
    I::Item: Default + Send,
{
    window: C::Window,
    qualified: <C as Codec>::Window,
    items: Vec<C::Item>,
    pair: (I::Item, [C::Window; 2]),
    #[pooled(default)]
    first: I::Item,
    #[pooled(keep)]
    codec: PhantomData<(C, I)>,
}

/// In the values of keys.
#[derive(Pooled)]
#[pooled(new = || Keyed { window: C::Window::at(4), size: C::SIZE, list: vec![], other: C::Window { bytes: vec![], position: 1 } })]
#[pooled(retain = |keyed| keyed.list.len() < C::size(), instances(Keyed<Deflate>))]
struct Keyed<C: Codec> {
    #[pooled(set = C::Window::at(5))]
    window: C::Window,
    #[pooled(set = C::SIZE)]
    size: usize,
    #[pooled(set = vec![C::Window::at(6), C::Window { bytes: vec![], position: 7 }])]
    list: Vec<C::Window>,
    #[pooled(with = |window: &mut C::Window| window.position = C::size())]
    other: <C as Codec>::Window,
}

/// Mentioned by a key alone, and by the default of a parameter.
#[derive(Pooled)]
#[pooled(new = || Measured { bytes: 0, item: W::default(), codec: PhantomData }, instances(Measured<Deflate>))]
struct Measured<C: Codec, W: Default + Reset + Send = <C as Codec>::Window> {
    #[pooled(set = size_of::<C::Window>() + C::Window::at(3).position)]
    bytes: usize,
    item: W,
    codec: PhantomData<C>,
}

#[derive(Default, Pooled)]
#[pooled(instances(Cleared<Deflate>))]
struct Cleared<C: Codec, W = Vec<<C as Codec>::Window>>
where
    C::Window: Sync,
{
    #[pooled(clear)]
    window: C::Window,
    #[pooled(clear)]
    list: W,
}

#[derive(Pooled)]
#[pooled(instances(Any<Deflate>))]
enum Any<C: Codec> {
    #[pooled(default)]
    Idle(C::Window, #[pooled(set = C::Window::at(2))] C::Window),
    #[expect(dead_code)]
    Busy(C),
}

fn main() {
    let mut decoder = Decoder::<Deflate, std::vec::IntoIter<u16>>::acquire();
    decoder.window.position = 1;
    decoder.qualified.position = 1;
    decoder.items.push(1);
    decoder.pair.1[1].position = 1;
    decoder.first = 1;
    Decoder::reset_object(&mut decoder);
    assert_eq!((decoder.window.position, decoder.qualified.position, decoder.items.len()), (0, 0, 0));
    assert_eq!((decoder.pair.1[1].position, decoder.first, decoder.pair.0), (0, 0, 0));
    decoder.window.position = 1;
    (*decoder).reset();
    assert_eq!(decoder.window.position, 0);
    assert_eq!(Decoder::<Deflate, std::vec::IntoIter<u16>>::pool().max_idle(), 7);
    let PhantomData = decoder.codec;

    let mut keyed = Keyed::<Deflate>::acquire();
    assert_eq!((keyed.window.position, keyed.other.position), (4, 1));
    Keyed::reset_object(&mut keyed);
    assert_eq!((keyed.window.position, keyed.size, keyed.other.position), (5, 7, 7));
    assert_eq!((keyed.list[0].position, keyed.list[1].position), (6, 7));

    let mut sized = Measured::<Deflate>::acquire();
    Measured::reset_object(&mut sized);
    assert_eq!((sized.bytes, sized.item.position), (size_of::<Window>() + 3, 0));

    let mut cleared = Cleared::<Deflate>::acquire();
    cleared.list.push(Window::at(1));
    Cleared::reset_object(&mut cleared);
    assert_eq!((cleared.window.position, cleared.list.len()), (9, 0));

    let mut any = Any::<Deflate>::acquire();
    Any::reset_object(&mut any);
    assert!(matches!(&*any, Any::Idle(one, two) if one.position == 0 && two.position == 2));
}
