//! [`Guard`]: one pointer, as good as a box, and the four ways out of it.

// Most fields are there to be dropped.
#![allow(dead_code)]

use std::borrow::{Borrow, BorrowMut};
use std::cell::Cell;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use pool_runtime::{Guard, Pooled};
use tests::counted;
use tests::counted::{Counted, Tally};
use tests::cpu;

#[test]
fn a_guard_is_one_pointer_wide() {
    #[derive(Default, Pooled)]
    struct Byte(u8);
    #[derive(Pooled)]
    #[pooled(new = || Large([0; 100_000]), reset = |_| {})]
    struct Large([u8; 100_000]);
    #[derive(Default, Pooled)]
    struct Nothing;

    assert_eq!(size_of::<Guard<Byte>>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Guard<Byte>>>(), size_of::<usize>());
    assert_eq!(size_of::<Guard<Large>>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Guard<Large>>>(), size_of::<usize>());
    assert_eq!(size_of::<Guard<Nothing>>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Guard<Nothing>>>(), size_of::<usize>());
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pooled)]
#[pooled(max_idle = 100)]
struct Number {
    value: u32,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.value.to_string())
    }
}

impl AsRef<u32> for Number {
    fn as_ref(&self) -> &u32 {
        &self.value
    }
}

impl AsMut<u32> for Number {
    fn as_mut(&mut self) -> &mut u32 {
        &mut self.value
    }
}

fn number(value: u32) -> Guard<Number> {
    let mut number = Number::acquire();
    assert_eq!(number.value, 0, "dirty");
    number.value = value;
    number
}

#[test]
fn traits_forward_to_the_object() {
    let mut two = number(2);
    assert_eq!(two.value, 2);
    two.value = 3;
    assert_eq!(*two, Number { value: 3 });
    assert_eq!(AsRef::<u32>::as_ref(&two), &3);
    *AsMut::<u32>::as_mut(&mut two) += 1;
    let borrowed: &Number = two.borrow();
    assert_eq!(borrowed.value, 4);
    let borrowed: &mut Number = two.borrow_mut();
    borrowed.value = 2;

    // With the format's flags.
    assert_eq!(format!("{two:?}"), "Number { value: 2 }");
    assert_eq!(format!("{two:#?}"), "Number {\n    value: 2,\n}");
    assert_eq!(format!("[{two}] [{two:>4}] [{two:-<3}]"), "[2] [   2] [2--]");

    assert!(number(1) < number(2) && number(2) <= number(2) && number(2) == number(2) && number(1) != number(2));
    assert_eq!(number(1).cmp(&number(2)), std::cmp::Ordering::Less);
    assert_eq!(number(2).partial_cmp(&number(1)), Some(std::cmp::Ordering::Greater));
    let hash = |value: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        value(&mut hasher);
        hasher.finish()
    };
    let guard = number(5);
    assert_eq!(hash(&|hasher| guard.hash(hasher)), hash(&|hasher| Number { value: 5 }.hash(hasher)));
}

/// `Borrow` promises that a guard may be looked up by its object.
#[test]
fn guards_are_found_in_sets_by_their_objects() {
    let set: HashSet<Guard<Number>> = (0..10).map(number).collect();
    let tree: BTreeSet<Guard<Number>> = (0..10).map(number).collect();
    assert!(set.contains(&Number { value: 3 }) && !set.contains(&Number { value: 10 }));
    assert!(tree.contains(&Number { value: 3 }) && !tree.contains(&Number { value: 10 }));
    assert_eq!(tree.iter().map(|number| number.value).collect::<Vec<_>>(), Vec::from_iter(0..10));
}

/// What a guard does beside its traits are associated functions.
#[test]
fn methods_of_the_object_are_not_shadowed() {
    #[derive(Default, Pooled)]
    struct Rival(u8);
    #[allow(clippy::wrong_self_convention, clippy::new_ret_no_self)]
    impl Rival {
        fn into_inner(&self) -> &'static str {
            "the object's own"
        }
        fn into_box(&self) -> &'static str {
            "the object's own"
        }
        fn discard(&self) -> &'static str {
            "the object's own"
        }
        fn leak(&self) -> &'static str {
            "the object's own"
        }
        fn new(&self) -> &'static str {
            "the object's own"
        }
    }

    let rival = Rival::acquire();
    for method in [rival.into_inner(), rival.into_box(), rival.discard(), rival.leak(), rival.new()] {
        assert_eq!(method, "the object's own");
    }
}

#[test]
fn each_way_out_is_counted() {
    counted!(Page, TALLY, max_idle = 100);

    cpu::pin();
    let inner: Page = Guard::into_inner(Page::acquire());
    TALLY.check(&Page::pool().stats(), 0, 1);
    let boxed: Box<Page> = Guard::into_box(Page::acquire());
    TALLY.check(&Page::pool().stats(), 0, 2);
    let leaked: &'static mut Page = Guard::leak(Page::acquire());
    leaked.0.assert_alive();
    TALLY.check(&Page::pool().stats(), 0, 3);
    assert_eq!(TALLY.dropped(), 0);
    drop(inner);
    drop(boxed);
    assert_eq!(TALLY.dropped(), 2);
    Guard::discard(Page::acquire());
    assert_eq!(TALLY.dropped(), 3);
    let stats = Page::pool().stats();
    assert_eq!((stats.created, stats.detached, stats.dropped.discard, stats.dropped.total()), (4, 3, 1, 1));
    assert_eq!((stats.idle, stats.in_use), (0, 0));
    TALLY.check(&stats, 0, 1);
    // SAFETY: `leak` gave out what a box held, and nothing else owns it.
    drop(unsafe { Box::from_raw(leaked) });
    TALLY.check(&Page::pool().stats(), 0, 0);
}

/// A value that left may come back, as an object that was made elsewhere.
#[test]
fn what_was_taken_out_can_be_adopted() {
    counted!(Page, TALLY, max_idle = 100);

    cpu::pin();
    let page = Guard::into_inner(Page::acquire());
    let guard = Page::adopt(page);
    let stats = Page::pool().stats();
    assert_eq!((stats.created, stats.adopted, stats.detached, stats.in_use), (1, 1, 1, 1));
    drop(guard);
    assert_eq!((Page::pool().idle(), TALLY.made(), TALLY.dropped()), (1, 1, 0));
    assert_eq!(Page::acquire().0.number, 0);
    Page::pool().collect();
    assert_eq!((TALLY.made(), TALLY.dropped()), (1, 1));
    let stats = Page::pool().stats();
    assert_eq!((stats.idle, stats.in_use), (0, 0));
}

/// The object of a box that left is where it was.
#[test]
fn the_address_is_stable() {
    #[derive(Pooled)]
    #[pooled(new = || Page([0; 64]), reset = |_| {}, max_idle = 100)]
    struct Page([u8; 64]);

    cpu::pin();
    let guard = Page::acquire();
    let address: *const Page = &*guard;
    let boxed = Box::new(guard);
    assert!(std::ptr::eq(&**boxed, address));
    let guard = thread::spawn(move || *boxed).join().expect("it returns it");
    assert!(std::ptr::eq(&*guard, address));
    let mut guards = vec![guard];
    guards.reserve(1000);
    assert!(std::ptr::eq(&*guards[0], address));
    let boxed = Guard::into_box(guards.remove(0));
    assert!(std::ptr::eq(&*boxed, address));
    let leaked = Guard::leak(Page::adopt(*boxed));
    let leaked: *mut Page = leaked;
    // SAFETY: `leak` gave out what a box held, and nothing else owns it.
    drop(unsafe { Box::from_raw(leaked) });
}

#[test]
fn a_forgotten_guard_is_in_use_for_ever() {
    counted!(Page, TALLY, max_idle = 100);

    cpu::pin();
    std::mem::forget(Page::acquire());
    drop(Page::acquire());
    Page::pool().collect();
    TALLY.check(&Page::pool().stats(), 1, 0);
    assert_eq!(TALLY.alive(), 1);
}

#[test]
fn a_guard_may_be_shared() {
    let number = Arc::new(number(7));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let number = Arc::clone(&number);
            thread::spawn(move || number.value)
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().expect("it reads"), 7);
    }
    assert!(Arc::into_inner(number).is_some());
}

/// `bytes::Bytes::from_owner`: the last of the slices puts the buffer back.
#[test]
fn bytes_put_the_buffer_back() {
    static TALLY: Tally = Tally::new();
    #[derive(Pooled)]
    #[pooled(new = || Buffer(TALLY.make(), Vec::new()), max_idle = 100)]
    struct Buffer(Counted, Vec<u8>);
    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &self.1
        }
    }

    cpu::pin();
    for _ in 0..3 {
        let mut buffer = Buffer::acquire();
        assert!(buffer.1.is_empty(), "dirty");
        buffer.1.extend_from_slice(b"a line and another");
        let line = Bytes::from_owner(buffer);
        let (one, two) = (line.slice(..6), line.slice(11..));
        drop(line);
        assert_eq!((&*one, &*two), (&b"a line"[..], &b"another"[..]));
        TALLY.check(&Buffer::pool().stats(), 1, 0);
        drop(one);
        assert_eq!(Buffer::pool().idle(), 0);
        drop(two);
        assert_eq!((Buffer::pool().idle(), TALLY.made()), (1, 1));
    }
}

/// Guards outlive the thread and the scope that they were made in.
#[test]
fn a_guard_is_static() {
    fn is_static<T: 'static>(_: &T) {}
    let number = number(1);
    is_static(&number);
    let erased: Box<dyn std::any::Any + Send> = Box::new(number);
    let number = erased.downcast::<Guard<Number>>().expect("it is one");
    assert_eq!(number.value, 1);
}

/// A field that is `!Sync` makes a guard that can be sent and not shared; its pool is shared all the same.
#[test]
fn a_cell_inside_travels() {
    #[derive(Pooled)]
    #[pooled(new = || Page(Cell::new(0)), max_idle = 100)]
    struct Page(Cell<u32>);

    let page = Page::acquire();
    page.0.set(5);
    let page = thread::spawn(move || {
        page.0.set(page.0.get() + 1);
        page
    });
    assert_eq!(page.join().expect("it returns it").0.get(), 6);
}

/// Guards are dropped as variables are: each once, in reverse.
#[test]
fn an_option_of_a_guard_releases_once() {
    counted!(Page, TALLY, max_idle = 100);

    cpu::pin();
    let mut kept = Some(Page::acquire());
    assert_eq!(Page::pool().idle(), 0);
    drop(kept.take());
    assert_eq!(Page::pool().idle(), 1);
    drop(kept);
    assert_eq!((Page::pool().idle(), TALLY.made()), (1, 1));
    let mut guard = Page::acquire();
    // The assignment drops the one before.
    for _ in 0..10 {
        guard = Page::acquire();
    }
    drop(guard);
    assert_eq!((Page::pool().idle(), TALLY.made()), (2, 2));
}
