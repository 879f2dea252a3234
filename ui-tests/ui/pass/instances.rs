use std::collections::HashMap;
use std::marker::PhantomData;

use pool_runtime::{Guard, Pooled};

#[derive(Default, Pooled)]
#[pooled(instances(Buf<u8>, Buf<String>, Buf<Vec<(u8, [u16; 4])>>))]
struct Buf<T> {
    items: Vec<T>,
    marker: PhantomData<fn(T) -> T>,
}

/// Every kind of parameter, and bounds in both places.
#[derive(Pooled)]
#[pooled(
    new = Self::with_room,
    retain = |table| table.array.len() == N && Self::small(table),
    max_idle = N * 2 + Self::MORE,
    local = N,
    name = T::NAME,
)]
#[pooled(instances(Table<'static, u8, 4>, Table<'static, u16, { 4 + 4 }, Vec<u16>>, Table<'static, u16, SIXTEEN>))]
struct Table<'a, T: Named, const N: usize, V = HashMap<T, T>>
where
    V: Default,
{
    array: [T; N],
    borrowed: Option<&'a T>,
    #[pooled(default)]
    map: V,
    #[pooled(set = Vec::<T>::with_capacity(N))]
    set: Vec<T>,
    #[pooled(with = |pair: &mut Box<[T; 2]>| pair.reverse())]
    with: Box<[T; 2]>,
    #[pooled(with = clear::<&'static T>)]
    strings: Vec<&'a T>,
    #[pooled(clear, max_capacity = N)]
    limited: Vec<T>,
    #[pooled(keep)]
    kept: T,
}

const SIXTEEN: usize = 16;

trait Named: Copy + Default + pool_runtime::Reset {
    const NAME: &'static str;
}

impl Named for u8 {
    const NAME: &'static str = "bytes";
}

impl Named for u16 {
    const NAME: &'static str = "words";
}

fn clear<T>(items: &mut Vec<T>) {
    items.clear();
}

impl<'a, T: Named, const N: usize, V: Default> Table<'a, T, N, V> {
    const MORE: usize = 1;

    fn with_room() -> Self {
        Self {
            array: [T::default(); N],
            borrowed: None,
            map: V::default(),
            set: vec![],
            with: Box::default(),
            strings: vec![],
            limited: Vec::with_capacity(1024),
            kept: T::default(),
        }
    }

    fn small(&self) -> bool {
        self.set.len() < N
    }
}

#[derive(Default, Pooled)]
#[pooled(instances(Defaulted, Defaulted<u16>, Defaulted<u16, bool>))]
struct Defaulted<T = u8, U = Vec<T>>(Option<T>, Option<U>);

#[derive(Pooled)]
#[pooled(instances(Flag<true>, Flag<false>))]
#[pooled(new = || Flag(!ON))]
struct Flag<const ON: bool>(#[pooled(set = ON)] bool);

#[derive(Pooled)]
#[pooled(instances(State<u8>, self::State<u16>))]
enum State<T> {
    #[pooled(default)]
    Idle(Vec<T>),
    Busy { one: T },
}

fn generic<T: 'static>() -> Guard<Buf<T>>
where
    Buf<T>: Pooled,
{
    Buf::acquire()
}

fn main() {
    drop((generic::<u8>(), generic::<String>(), Buf::<Vec<(u8, [u16; 4])>>::acquire()));
    assert!(Buf::<u8>::pool().name().ends_with("::Buf<u8>"));
    assert!(Buf::<Vec<(u8, [u16; 4])>>::pool().name().ends_with("::Buf<Vec<(u8, [u16; 4])>>"));

    let mut table = Table::<u8, 4>::create_object();
    table.array = [1; 4];
    table.with = Box::new([1, 2]);
    table.map.insert(1, 1);
    table.kept = 7;
    Table::reset_object(&mut table);
    assert!(Table::retain_object(&table));
    assert_eq!((table.array, *table.with, table.set.capacity(), table.kept), ([0; 4], [2, 1], 4, 7));
    assert!(table.map.is_empty() && table.limited.capacity() < 1024 && table.strings.is_empty());
    assert_eq!((Table::<u8, 4>::pool().name(), Table::<u8, 4>::pool().max_idle()), ("bytes", 9));
    assert_eq!(Table::<u16, 8, Vec<u16>>::pool().max_idle(), 17);
    assert_eq!((Table::<u16, 16>::pool().name(), Table::<u16, 16>::pool().max_idle()), ("words", 33));

    drop((Defaulted::<u8>::acquire(), Defaulted::<u16>::acquire(), Defaulted::<u16, bool>::acquire()));
    let mut flag = Flag::<true>::create_object();
    assert!(!flag.0);
    Flag::reset_object(&mut flag);
    assert!(flag.0 && Flag::<false>::create_object().0);

    let mut state = State::Busy { one: 1_u8 };
    State::reset_object(&mut state);
    assert!(matches!(state, State::Idle(list) if list.is_empty()));
    drop(State::<u16>::acquire());
}
