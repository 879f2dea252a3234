use pool_runtime::OwnedPool;

fn main() {
    let room = 100;
    let pages = OwnedPool::builder(Vec::<u8>::new).reset(|page| page.shrink_to(room)).build();
    drop(pages.acquire());
}
