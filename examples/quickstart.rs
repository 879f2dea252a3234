//! Skeleton.
use pool_runtime::Pooled;
#[derive(Default, Pooled)]
struct MyBuf {
    bytes: Vec<u8>,
}
fn main() {
    let mut buf = MyBuf::acquire();
    buf.bytes.push(1);
}
