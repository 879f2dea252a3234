use pool_runtime::Pooled;

macro_rules! pooled {
    ($name:ident { $($field:ident: $ty:ty = $value:expr),+ } $retain:expr, $with:path, $most:expr, $label:literal) => {
        #[derive(Pooled)]
        #[pooled(new = || Self { $($field: $value),+ }, retain = $retain, max_idle = $most, name = $label)]
        struct $name {
            $(
                #[pooled(with = $with)]
                $field: $ty
            ),+
        }
    };
}

pooled!(Scratch { a: Vec<u8> = vec![1], b: Vec<u16> = vec![2] } |scratch| scratch.a.is_empty(), Vec::clear, 2 + 2, "s");

macro_rules! plain {
    ($($name:ident($($ty:ty),*);)+) => {$(
        #[derive(Default, Pooled)]
        struct $name($($ty),*);
    )+};
}

plain! {
    One(Vec<u8>);
    Two(String, [u8; 4]);
}

fn main() {
    let mut scratch = Scratch::create_object();
    assert!(!Scratch::retain_object(&scratch));
    Scratch::reset_object(&mut scratch);
    assert!(scratch.a.is_empty() && scratch.b.is_empty());
    assert!(Scratch::retain_object(&scratch));
    assert_eq!(Scratch::pool().name(), "s");
    let (one, two) = (One::acquire(), Two::acquire());
    assert!(one.0.is_empty() && two.0.is_empty() && two.1 == [0; 4]);
}
