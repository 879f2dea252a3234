use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[cfg_attr(all(), pooled(max_idle = 4))]
#[cfg_attr(any(), pooled(nonsense))]
struct Scratch {
    #[cfg(all())]
    bytes: Vec<u8>,
    #[cfg(any())]
    missing: NoSuchType,
    #[cfg_attr(all(), pooled(keep))]
    kept: u8,
}

#[derive(Default, Pooled)]
struct Tuple(#[cfg(any())] NoSuchType, Vec<u8>, #[cfg(all())] u8);

fn main() {
    let mut scratch = Scratch { bytes: vec![1], kept: 1 };
    Scratch::reset_object(&mut scratch);
    assert!(scratch.bytes.is_empty() && scratch.kept == 1);

    let mut tuple = Tuple(vec![1], 1);
    Tuple::reset_object(&mut tuple);
    assert!(tuple.0.is_empty() && tuple.1 == 0);
}
