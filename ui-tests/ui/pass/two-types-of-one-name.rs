use pool_runtime::Pooled;

mod a {
    #[derive(Default, pool_runtime::Pooled)]
    pub struct Scratch(pub u8);
}

mod b {
    #[derive(Default, pool_runtime::Pooled)]
    pub struct Scratch(pub u16);
}

fn main() {
    drop((a::Scratch::acquire(), b::Scratch::acquire()));
    assert!(a::Scratch::pool().name().ends_with("::a::Scratch"));
    assert!(b::Scratch::pool().name().ends_with("::b::Scratch"));
}
