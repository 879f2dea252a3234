use pool_runtime::Reset;

#[derive(Reset)]
#[pooled(default)]
struct Limits {
    depth: u32,
}

fn main() {
    Limits { depth: 1 }.reset();
}
