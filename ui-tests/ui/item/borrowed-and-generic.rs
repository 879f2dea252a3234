use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Line<'a, T, const N: usize>
where
    T: Clone,
{
    words: Vec<(&'a str, [T; N])>,
}

fn main() {
    let _line = Line::<u8, 4>::acquire();
}
