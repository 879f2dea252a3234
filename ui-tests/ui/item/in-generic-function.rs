use pool_runtime::Pooled;

fn parse<T: Send + 'static>() {
    #[derive(Default, Pooled)]
    struct Scratch {
        items: Vec<T>,
    }

    let _scratch = Scratch::acquire();
}

fn main() {
    parse::<u8>();
}
