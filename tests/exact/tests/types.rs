//! Odd objects: of no size, of a large alignment, huge, and two types that look the same.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use pool_runtime::{Guard, Pooled};
use tests::cpu;

/// Nothing to allocate, and counted all the same.
#[test]
fn types_of_no_size_are_pooled() {
    static MADE: AtomicU64 = AtomicU64::new(0);
    static DROPPED: AtomicU64 = AtomicU64::new(0);
    #[derive(Pooled)]
    #[pooled(new = Token::new, max_idle = 20)]
    struct Token;
    impl Token {
        fn new() -> Self {
            MADE.fetch_add(1, Relaxed);
            Self
        }
    }
    impl Drop for Token {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }

    cpu::pin();
    assert_eq!(size_of::<Token>(), 0);
    for _ in 0..3 {
        let held: Vec<_> = (0..10).map(|_| Token::acquire()).collect();
        let stats = Token::pool().stats();
        assert_eq!((MADE.load(Relaxed), stats.in_use, stats.idle), (10, 10, 0));
        drop(held);
        assert_eq!(Token::pool().idle(), 10);
        Token::pool().age();
    }
    drop((0..10).map(|_| Token::acquire()).collect::<Vec<_>>());
    let Token = *Token::acquire();
    let _token: Token = Guard::into_inner(Token::acquire());
    let _token: Box<Token> = Guard::into_box(Token::acquire());
    assert_eq!(DROPPED.load(Relaxed), 0);
    Token::pool().collect();
    assert_eq!((MADE.load(Relaxed), DROPPED.load(Relaxed)), (10, 8));
    // Above the bound, from several threads.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|_| drop((Token::acquire(), Token::acquire(), Token::acquire()))));
        }
    });
    Token::pool().collect();
    assert_eq!(MADE.load(Relaxed) - DROPPED.load(Relaxed), 2);
}

#[test]
fn the_unit_struct_needs_nothing() {
    #[derive(Default, Pooled)]
    struct Unit;

    cpu::pin();
    drop((Unit::acquire(), Unit::acquire()));
    let stats = Unit::pool().stats();
    assert_eq!((stats.created, stats.idle), (2, 2));
}

#[test]
fn large_alignments_are_kept() {
    #[derive(Pooled)]
    #[pooled(new = || Page([0; 4096]), reset = |page: &mut Page| page.0.fill(0), max_idle = 100)]
    #[repr(align(4096))]
    struct Page([u8; 4096]);
    /// Of no size, and not at any address.
    #[derive(Default, Pooled)]
    #[repr(align(4096))]
    struct Nothing;

    let aligned = |page: &Page| (std::ptr::from_ref(page).addr()).is_multiple_of(4096);
    cpu::pin();
    for _ in 0..3 {
        let mut held: Vec<_> = (0..20).map(|_| Page::acquire()).collect();
        for page in &mut held {
            assert!(aligned(page));
            assert!(page.0.iter().all(|&byte| byte == 0), "dirty");
            page.0.fill(7);
        }
        drop(held);
    }
    assert_eq!(Page::pool().stats().created, 20);
    let boxed = Guard::into_box(Page::acquire());
    assert!(aligned(&boxed));
    assert!(aligned(&Page::adopt(Guard::into_inner(Page::acquire()))));
    assert!(aligned(&Page::adopt(*boxed)));
    Page::pool().collect();
    let nothing = Nothing::acquire();
    assert_eq!(std::ptr::from_ref(&*nothing).addr() % 4096, 0);
    drop(nothing);
    assert_eq!(Nothing::pool().idle(), 1);
}

/// A pool moves pointers: how large an object is does not matter once it is made.
#[test]
fn huge_objects_stay_where_they_are() {
    #[derive(Pooled)]
    #[pooled(new = Huge::new, reset = |huge: &mut Huge| huge.0[0] = 0, max_idle = 100)]
    struct Huge([u8; 1 << 20]);
    impl Huge {
        fn new() -> Self {
            Self([0; 1 << 20])
        }
    }

    // `new` returns a megabyte by value, which takes its stack in a debug build.
    let thread = thread::Builder::new().stack_size(64 << 20).spawn(|| {
        cpu::pin();
        let address = std::ptr::from_ref(&*Huge::acquire()).addr();
        for _ in 0..100 {
            let mut huge = Huge::acquire();
            assert_eq!(huge.0[0], 0, "dirty");
            assert_eq!(std::ptr::from_ref(&*huge).addr(), address);
            huge.0[0] = 1;
        }
        assert_eq!(Huge::pool().stats().created, 1);
    });
    thread.expect("room for it").join().expect("it stays");
}

/// poolshark's pools are keyed by layout, and mix such types up.
#[test]
fn types_of_one_layout_have_pools_of_their_own() {
    #[derive(Pooled)]
    #[pooled(new = || Meters(1.0), reset = |_| {}, max_idle = 100)]
    struct Meters(f64);
    #[derive(Pooled)]
    #[pooled(new = || Feet(3.0), reset = |_| {}, max_idle = 100)]
    struct Feet(f64);

    cpu::pin();
    for _ in 0..3 {
        drop((0..20).map(|_| Meters::acquire()).collect::<Vec<_>>());
        assert!((0..20).map(|_| Feet::acquire()).collect::<Vec<_>>().iter().all(|feet| feet.0 == 3.0));
        assert!((0..20).map(|_| Meters::acquire()).collect::<Vec<_>>().iter().all(|meters| meters.0 == 1.0));
    }
    assert_eq!((Meters::pool().stats().created, Feet::pool().stats().created), (20, 20));
    Meters::pool().collect();
    assert_eq!((Meters::pool().idle(), Feet::pool().idle()), (0, 20));
    assert!(!std::ptr::addr_eq(Meters::pool(), Feet::pool()));
    assert!(std::ptr::eq(Meters::pool(), Meters::pool()));
}

/// derivable-object-pool's names collide.
#[test]
fn types_of_one_name_have_pools_of_their_own() {
    mod one {
        #[derive(Default, pool_runtime::Pooled)]
        #[pooled(max_idle = 100)]
        pub(crate) struct Page(pub(crate) Vec<u8>);
    }
    mod two {
        #[derive(Default, pool_runtime::Pooled)]
        #[pooled(max_idle = 100)]
        pub(crate) struct Page(pub(crate) Vec<u8>);
    }

    cpu::pin();
    drop(one::Page::acquire());
    assert!(two::Page::try_acquire().is_none());
    drop((two::Page::acquire(), two::Page::acquire()));
    assert!(one::Page::acquire().0.is_empty() && two::Page::acquire().0.is_empty());
    assert_eq!((one::Page::pool().idle(), two::Page::pool().idle()), (1, 2));
    assert_ne!(one::Page::pool().name(), two::Page::pool().name());
}

/// A thousand types: slots are small, and made for the types that are used.
#[test]
fn many_types_are_used_in_turn() {
    macro_rules! types {
        ($($name:ident)*) => {
            $(
                #[derive(Default, Pooled)]
                #[pooled(max_idle = 100)]
                struct $name(Vec<u8>);
            )*
            for round in 0..10 {
                $(
                    let mut object = $name::acquire();
                    assert!(object.0.is_empty());
                    assert_eq!(object.0.capacity() > 0, round > 0);
                    object.0.push(1);
                    drop(object);
                    assert_eq!($name::pool().stats().created, 1);
                )*
            }
        };
    }

    cpu::pin();
    types!(T00 T01 T02 T03 T04 T05 T06 T07 T08 T09 T10 T11 T12 T13 T14 T15 T16 T17 T18 T19 T20 T21 T22 T23 T24 T25 T26);
}

/// The trait can be implemented by hand, as its documentation says.
#[test]
fn a_pool_may_be_written_by_hand() {
    struct Page(u32);
    impl Pooled for Page {
        fn pool() -> &'static pool_runtime::Pool<Self> {
            static POOL: pool_runtime::Pool<Page> = pool_runtime::Pool::new("by hand").with_max_idle(10).with_local(2);
            &POOL
        }
        fn create_object() -> Self {
            Self(1)
        }
        fn reset_object(object: &mut Self) {
            object.0 += 1;
        }
    }

    cpu::pin();
    for uses in 1..=3 {
        assert_eq!(Page::acquire().0, uses);
    }
    assert_eq!((Page::pool().name(), Page::pool().max_idle(), Page::pool().idle()), ("by hand", 10, 1));
    drop((0..30).map(|_| Page::acquire()).collect::<Vec<_>>());
    assert!(Page::pool().idle() <= 10);
}

#[test]
fn keys_may_be_expressions() {
    const LIMIT: usize = 7;
    #[derive(Default, Pooled)]
    #[pooled(max_idle = LIMIT * 2 + Page::MORE, local = LIMIT - 7, name = concat!("a", "b"))]
    struct Page(u8);
    impl Page {
        const MORE: usize = 1;
    }

    assert_eq!((Page::pool().max_idle(), Page::pool().name(), Page::acquire().0), (15, "ab", 0));
}
