//! A pooled buffer: acquire, use, drop, and a collector that gives memory back.
//!
//! Run it with `cargo run --example quickstart`.

use pool_runtime::collector::StartError;
use pool_runtime::{Collector, Pooled};

#[derive(Default, Pooled)]
struct MyBuf {
    bytes: Vec<u8>,
    lines: u64,
}

fn main() -> Result<(), StartError> {
    let _collector = Collector::builder().start()?; // without it memory stays at its peak
    let mut buf = MyBuf::acquire(); // an idle MyBuf, or a new one
    buf.bytes.extend_from_slice(b"hello\n");
    buf.lines += 1;
    drop(buf); // reset, then back into the pool of its type

    let buf = MyBuf::acquire();
    assert!(buf.bytes.is_empty() && buf.lines == 0);
    println!("{} made, room for {} bytes", MyBuf::pool().stats().created, buf.bytes.capacity());
    Ok(())
}
