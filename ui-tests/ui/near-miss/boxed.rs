use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(boxed = || Box::new(Scratch(0)))]
struct Scratch(u8);

fn main() {
    drop(Scratch::acquire());
}
