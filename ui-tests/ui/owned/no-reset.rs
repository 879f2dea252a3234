use pool_runtime::OwnedPool;

/// A type of another crate.
struct Encoder(Vec<u8>);

fn main() {
    let encoders = OwnedPool::new(|| Encoder(Vec::new()));
    encoders.acquire().0.push(1);
}
