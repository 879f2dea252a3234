use pool_runtime::Pooled;

struct Scratch;

fn fill<T: Pooled>() {}

fn main() {
    fill::<Scratch>();
}
