//! The compiler knows what a function or a closure of a key returns if that is any type, and how it becomes that type.

use std::fmt::Debug;
use std::str::FromStr;

use pool_runtime::Pooled;

fn any<T: Default>() -> T {
    T::default()
}

fn renew<T: Default>(it: &mut T) {
    *it = T::default();
}

#[derive(Debug, Default, PartialEq, Pooled)]
#[pooled(new = any, reset = renew)]
struct Path(u8);

#[derive(Debug, Default, PartialEq, Pooled)]
#[pooled(new = || any())]
struct Closure(#[pooled(with = renew)] u8);

#[derive(Debug, Default, PartialEq, Pooled)]
#[pooled(new_boxed = any)]
struct BoxedPath(u8);

#[derive(Debug, Default, PartialEq, Pooled)]
#[pooled(new_boxed = || Box::new(any()))]
struct BoxedClosure(u8);

#[derive(Debug, Default, PartialEq, Pooled)]
#[pooled(new = || if true { return 0.into() } else { "0".parse().unwrap() })]
struct Into(u8);

impl From<u8> for Into {
    fn from(byte: u8) -> Self {
        Self(byte)
    }
}

impl FromStr for Into {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

macro_rules! make {
    () => {
        any
    };
}

#[derive(Debug, Default, PartialEq, Pooled)]
#[pooled(new = make!(), reset = |_| ())]
struct Macro(u8);

// What is returned becomes the type that is expected.
#[derive(Pooled)]
#[pooled(new = || Dyn(Box::new(|| 1)))]
struct Dyn(#[pooled(keep)] Box<dyn Fn() -> u8 + Send>);

#[derive(Pooled)]
#[pooled(new = || Generic(Box::new(|| 1)), instances(Generic<Box<dyn Fn() -> u8 + Send>>))]
struct Generic<T>(#[pooled(with = keep)] T);

fn keep<T: ?Sized>(_: &mut T) {}

#[derive(Pooled)]
#[pooled(new = Of::new, instances(Of<u8>, Of<String>))]
struct Of<T>(T);

impl<T: Default> Of<T> {
    fn new() -> Self {
        Self(T::default())
    }
}

// Neither ever returns.
#[derive(Pooled)]
#[pooled(new = || panic!("never"), reset = |_| loop {})]
struct Never(u8);

fn default<T: Default + Debug + PartialEq + Pooled>() {
    assert_eq!(*T::acquire(), T::default());
    assert_eq!(*T::acquire(), T::default());
}

fn main() {
    default::<Path>();
    default::<Closure>();
    default::<BoxedPath>();
    default::<BoxedClosure>();
    default::<Into>();
    default::<Macro>();
    assert_eq!(Dyn::acquire().0(), 1);
    assert_eq!(Generic::<Box<dyn Fn() -> u8 + Send>>::acquire().0(), 1);
    assert_eq!(Of::<u8>::acquire().0, 0);
    assert_eq!(Of::<String>::acquire().0, "");
    let Never(byte) = pool_runtime::Guard::into_inner(Never::adopt(Never(7)));
    assert_eq!(byte, 7);
}
