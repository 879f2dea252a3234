//! The child "no pool, jemalloc".

use std::io;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> io::Result<()> {
    benches::child::serve(&[benches::roster::no_pool("jemalloc")])
}
