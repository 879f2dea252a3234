use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new_boxed = |size| Box::new(Scratch(size)))]
struct Scratch(u8);

fn main() {
    drop(Scratch::acquire());
}
