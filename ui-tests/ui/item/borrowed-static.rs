use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Scratch<'a> {
    word: Option<&'a str>,
}

fn main() {
    let _scratch = Scratch::acquire();
}
