use pool_runtime::Reset;

#[derive(Reset)]
#[repr(packed(2))]
struct Header {
    kind: u8,
    length: u16,
    name: String,
}

fn main() {
    Header { kind: 1, length: 1, name: String::new() }.reset();
}
