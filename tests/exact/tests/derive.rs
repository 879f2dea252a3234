//! The derive's generic types, enums and limits, on pools that are used.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use pool_runtime::{Guard, Pooled, Reset};
use tests::cpu;

/// One static for all of a generic function's types is what a naive derive would make.
#[test]
fn each_instance_has_a_pool_of_its_own() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 100, instances(Buf<u8>, Buf<u16>, Buf<Vec<u8>>))]
    struct Buf<T> {
        items: Vec<T>,
    }

    cpu::pin();
    drop(Buf::<u8>::acquire());
    assert!(Buf::<u16>::try_acquire().is_none());
    drop((Buf::<u16>::acquire(), Buf::<u16>::acquire()));
    assert_eq!((Buf::<u8>::pool().idle(), Buf::<u16>::pool().idle(), Buf::<Vec<u8>>::pool().idle()), (1, 2, 0));
    assert!(!std::ptr::addr_eq(Buf::<u8>::pool(), Buf::<u16>::pool()));

    let names = [Buf::<u8>::pool().name(), Buf::<u16>::pool().name(), Buf::<Vec<u8>>::pool().name()];
    assert_eq!(names, ["derive::Buf<u8>", "derive::Buf<u16>", "derive::Buf<Vec<u8>>"]);
    let mut buf = Buf::<u8>::acquire();
    buf.items.extend([1; 100]);
    drop(buf);
    let buf = Buf::<u8>::acquire();
    assert!(buf.items.is_empty() && buf.items.capacity() >= 100);
}

#[test]
fn constants_and_defaults_choose_the_pool() {
    #[derive(Pooled)]
    #[pooled(new = || Block([0; N], None), max_idle = N, local = 0)]
    #[pooled(instances(Block<4>, Block<8>, Block<8, u16>))]
    struct Block<const N: usize, T = u8>([u8; N], #[pooled(default)] Option<T>);

    cpu::pin();
    drop((Block::<4>::acquire(), Block::<8>::acquire(), Block::<8>::acquire()));
    assert_eq!((Block::<4>::pool().idle(), Block::<8>::pool().idle(), Block::<8, u16>::pool().idle()), (1, 2, 0));
    assert_eq!((Block::<4>::pool().max_idle(), Block::<8>::pool().max_idle()), (4, 8));
    assert_eq!(Block::<8, u16>::pool().name(), "derive::Block<8, u16>");
    let mut block = Block::<4>::acquire();
    *block = Block([7; 4], Some(7));
    drop(block);
    let block = Block::<4>::acquire();
    assert!(block.0 == [0; 4] && block.1.is_none());
}

/// What the default variant owns is kept, what the others own is freed.
#[test]
fn an_enum_is_acquired_in_its_default_variant() {
    #[derive(Pooled)]
    #[pooled(max_idle = 100)]
    enum State {
        Failed(Counted),
        #[pooled(default)]
        Reading {
            line: Vec<u8>,
            count: Counted,
        },
    }
    static DROPPED: AtomicU64 = AtomicU64::new(0);
    #[derive(Default)]
    struct Counted;
    impl Reset for Counted {
        fn reset(&mut self) {}
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }

    cpu::pin();
    for _ in 0..3 {
        let mut state = State::acquire();
        let State::Reading { line, .. } = &mut *state else { panic!("not the default") };
        assert!(line.is_empty());
        line.extend([1; 100]);
    }
    assert_eq!(DROPPED.load(Relaxed), 0);
    let mut state = State::acquire();
    assert!(matches!(&*state, State::Reading { line, .. } if line.capacity() >= 100));
    *state = State::Failed(Counted);
    assert_eq!(DROPPED.load(Relaxed), 1);
    drop(state);
    assert_eq!(DROPPED.load(Relaxed), 2);
    assert!(matches!(&*State::acquire(), State::Reading { line, count: Counted } if line.capacity() == 0));
    assert_eq!(State::pool().stats().created, 1);
}

/// golang/go#23199: one giant buffer is kept for ever.
#[test]
fn a_giant_buffer_is_shrunk_before_it_is_idle() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 100)]
    struct Page {
        #[pooled(max_capacity = 1024)]
        body: Vec<u8>,
        free: Vec<u8>,
    }

    cpu::pin();
    let mut page = Page::acquire();
    page.body = vec![1; 1 << 20];
    page.free = vec![1; 1 << 20];
    drop(page);
    let mut page = Page::acquire();
    assert!((1024..2048).contains(&page.body.capacity()));
    assert!(page.free.capacity() >= 1 << 20);
    page.body.extend([1; 1000]);
    let address = page.body.as_ptr();
    drop(page);
    assert_eq!(Page::acquire().body.as_ptr(), address, "moved, though it was within the limit");
}

#[test]
fn an_object_that_holds_guards_resets_what_they_hold() {
    #[derive(Default, Pooled)]
    #[pooled(max_idle = 100)]
    struct Line(Vec<u8>);
    #[derive(Pooled)]
    #[pooled(new = || Page { first: Line::acquire(), others: vec![] }, max_idle = 100)]
    struct Page {
        first: Guard<Line>,
        others: Vec<Guard<Line>>,
    }

    cpu::pin();
    let mut page = Page::acquire();
    page.first.0.push(1);
    page.others.extend([Line::acquire(), Line::acquire()]);
    drop(page);
    let stats = Line::pool().stats();
    assert_eq!((stats.created, stats.in_use, stats.idle), (3, 1, 2));
    let page = Page::acquire();
    assert!(page.first.0.is_empty() && page.others.is_empty());
    drop(page);
    Page::pool().collect();
    assert_eq!(Line::pool().stats().in_use, 0);
}

#[test]
fn both_derives_reset_alike() {
    #[derive(Debug, Default, PartialEq, Pooled, Reset)]
    #[pooled(max_idle = 100)]
    struct Page {
        body: Vec<u8>,
        #[pooled(set = 7)]
        number: u64,
        #[pooled(keep)]
        kept: u64,
    }

    let used = || Page { body: vec![1], number: 1, kept: 1 };
    let (mut one, mut two) = (used(), used());
    Page::reset_object(&mut one);
    two.reset();
    assert_eq!((&one, &one), (&two, &Page { body: vec![], number: 7, kept: 1 }));
}
