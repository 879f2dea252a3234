use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Line<'a> {
    words: Vec<&'a str>,
}

fn main() {
    let _line = Line::acquire();
}
