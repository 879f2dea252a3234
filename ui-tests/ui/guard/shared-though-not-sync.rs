use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Counter {
    hits: std::cell::Cell<u64>,
}

fn main() {
    let counter = Counter::acquire();
    std::thread::scope(|scope| {
        scope.spawn(|| counter.hits.set(1));
    });
}
