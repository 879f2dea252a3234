//! The child "no pool, mimalloc".

use std::io;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> io::Result<()> {
    benches::child::serve(&[benches::roster::no_pool("mimalloc")])
}
