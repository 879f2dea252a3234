use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = || Buf { bytes: [0; N] })]
struct Buf<const N: usize> {
    bytes: [u8; N],
}

fn main() {
    let _buf = Buf::<64>::acquire();
}
