use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[repr(C, packed)]
struct Header {
    kind: u8,
    length: u32,
    #[pooled(set = 1)]
    version: u16,
    id: u64,
}

fn main() {
    let _header = Header::acquire();
}
