use pool_runtime::Pooled;

#[derive(Default, Pooled)]
#[pooled(instances(Scratch))]
struct Scratch<'a> {
    items: Vec<&'a str>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
