use pool_runtime::Pooled;

#[derive(Pooled)]
#[pooled(new = Buffer::open, instances(Buffer<u8>))]
struct Buffer<T> {
    items: Vec<T>,
}

impl<T> Buffer<T> {
    fn open() -> std::io::Result<Self> {
        Ok(Self { items: vec![] })
    }
}

fn main() {
    let _buffer = Buffer::<u8>::acquire();
}
