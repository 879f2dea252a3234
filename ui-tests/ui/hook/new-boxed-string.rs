use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new_boxed = "Scratch::new")]
struct Scratch(u8);

fn main() {
    drop(Scratch::acquire());
}
