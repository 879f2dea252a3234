//! A pooled buffer: acquire, use, drop, statistics, collect.
//!
//! Run it with `cargo run --example quickstart`.

use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct MyBuf {
    bytes: Vec<u8>,
    lines: u64,
}

fn main() {
    let mut buf = MyBuf::acquire(); // an idle MyBuf, or a new one
    buf.bytes.extend_from_slice(b"hello\nworld\n");
    buf.lines += 2;
    println!("in use: {} lines, {} bytes", buf.lines, buf.bytes.len());
    drop(buf); // reset, then back into the pool of its type

    let buf = MyBuf::acquire();
    assert!(buf.bytes.is_empty());
    assert_eq!(buf.lines, 0);
    println!("again:  {} lines, {} bytes, room for {}", buf.lines, buf.bytes.len(), buf.bytes.capacity());

    let stats = MyBuf::pool().stats();
    assert_eq!(stats.in_use, 1);
    println!("stats:  {} made, {} in use, {} idle", stats.created, stats.in_use, stats.idle);
    drop(buf);

    pool_runtime::collect(); // every pool of the process is cleared
    assert_eq!(MyBuf::pool().idle(), 0);
    println!("after collect: {} idle", MyBuf::pool().idle());
}
