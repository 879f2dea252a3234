#[derive(pool_runtime::Pooled)]
fn scratch() {}

fn main() {}
