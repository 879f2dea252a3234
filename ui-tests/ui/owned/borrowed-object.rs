use pool_runtime::OwnedPool;

fn main() {
    let text = String::from("a b");
    let words = OwnedPool::new(Vec::<&str>::new);
    words.acquire().extend(text.split(' '));
}
