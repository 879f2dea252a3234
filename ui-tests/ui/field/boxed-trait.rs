use pool_runtime::{Pooled, Reset};

trait Policy: Reset + Send {}

#[derive(Reset)]
struct AllowNothing;

impl Policy for AllowNothing {}

#[derive(Pooled)]
#[pooled(new = || Scratch { policy: Box::new(AllowNothing) })]
struct Scratch {
    policy: Box<dyn Policy>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
