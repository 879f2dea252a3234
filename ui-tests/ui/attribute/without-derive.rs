#[pooled(max_idle = 64)]
struct Scratch;

fn main() {}
