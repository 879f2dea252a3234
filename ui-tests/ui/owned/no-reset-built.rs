use pool_runtime::OwnedPool;

/// A type of another crate.
struct Encoder(Vec<u8>);

fn main() {
    let encoders = OwnedPool::builder(|| Encoder(Vec::new())).max_idle(8).build();
    encoders.acquire().0.push(1);
}
