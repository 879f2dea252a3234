//! The feature `hits`: each acquire is counted, and each that got an idle object.

use std::thread;

use pool_runtime::Pooled;
use tests::cpu;
use tests::guards::hold;

#[test]
fn acquires_and_hits_are_exact() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 1000)]
    struct Page(u8);

    cpu::pin();
    let counts = || (Page::pool().stats().acquires, Page::pool().stats().hits);
    assert!(Page::try_acquire().is_none());
    assert_eq!(counts(), (1, 0));
    drop(hold::<Page>(100));
    assert_eq!(counts(), (101, 0));
    drop(hold::<Page>(60));
    assert_eq!(counts(), (161, 60));
    for _ in 0..1000 {
        drop(Page::acquire());
    }
    assert_eq!(counts(), (1161, 1060));
    // Victims are idle objects, too.
    Page::pool().age();
    drop(Page::try_acquire().expect("one is idle"));
    assert_eq!(counts(), (1162, 1061));
    // What is not acquired does not count.
    drop(Page::adopt(Page(0)));
    Page::prefill(10);
    Page::pool().collect();
    assert_eq!(counts(), (1162, 1061));
    drop(hold::<Page>(1));
    assert_eq!(counts(), (1163, 1061));
}

#[test]
fn acquires_of_all_threads_add_up() {
    #[derive(Default, Pooled)]
    struct Page(u8);

    const THREADS: u64 = 8;
    const EACH: u64 = 10_000;
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    drop(Page::acquire());
                }
            });
        }
    });
    let stats = Page::pool().stats();
    assert_eq!(stats.acquires, THREADS * EACH);
    // Who does not hit, creates.
    assert_eq!(stats.acquires - stats.hits, stats.created);
    let table = pool_runtime::registry::stats().to_string();
    assert!(table.contains(&format!("acquires {}, hits {}", stats.acquires, stats.hits)), "{table}");
}
