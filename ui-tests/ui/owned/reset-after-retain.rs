use pool_runtime::OwnedPool;

fn main() {
    let pages = OwnedPool::builder(Vec::<u8>::new).retain(|page| page.capacity() < 100).reset(|page| page.clear());
    drop(pages.build().acquire());
}
