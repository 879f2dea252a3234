//! Loom models of the storage: two or three threads with one or two operations each.
//!
//! The objects are numbered. At the end of each model every number is accounted for, once. The number is in a cell that
//! loom watches: it must have been written *before* it is read, or the model fails.

use core::any::TypeId;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use loom::cell::{Cell, UnsafeCell};
use loom::thread;

use crate::machine::library::Library;
use crate::machine::threads::set_slot;
use crate::slots::list::List;
use crate::slots::object::Object;
use crate::slots::offsets::Stopped;
use crate::storage::bound::Bound;
use crate::storage::current;
use crate::storage::drops::{Inside, Swept};
use crate::storage::life::{DropHooks, Key, Kinds, Life};
use crate::storage::store::Store;
use crate::sync::{AtomicUsize, fence};

/// A store with numbers for two slots, which every repetition makes anew.
fn store(max_idle: usize) -> &'static Store {
    Box::leak(Box::new(Store::new("model", |_| {}, || Library).with_max_idle(max_idle).with_local(2)))
}

fn acquire(store: &'static Store) -> Option<usize> {
    current::pop(&store.tables).or_else(|| store.find()).map(number)
}

fn number(object: Object) -> usize {
    // SAFETY: every object in these stores is a box of a cell.
    unsafe { object.into_box::<Cell<usize>>() }.get()
}

/// Releases an object with this number. Returns whether it was kept.
fn release(store: &'static Store, number: usize) -> bool {
    let object = Object::from_box(Box::new(Cell::new(number)));
    let kept = current::push(&store.tables, object).or_else(|object| store.keep(object));
    kept.map_err(|(object, _)| self::number(object)).is_ok()
}

fn sweep(store: &'static Store, take: impl FnOnce(&'static Store, bool) -> Vec<Object>) -> Vec<usize> {
    assert!(store.tables.stop());
    let taken = take(store, true);
    store.tables.restart();
    let taken: Vec<_> = taken.into_iter().map(number).collect();
    store.bound.give_back(taken.len());
    taken
}

/// The numbers that are left, those in the local stacks of all slots included.
fn rest(store: &'static Store) -> Vec<usize> {
    sweep(store, Store::take_all)
}

/// The numbers, each of which must be there once.
fn assert_each_once(mut numbers: Vec<usize>, expected: core::ops::Range<usize>) {
    numbers.sort_unstable();
    assert_eq!(numbers, expected.collect::<Vec<_>>());
}

/// Fills slot 0: its local stack first, then its shared list.
fn filled(max_idle: usize, objects: usize) -> &'static Store {
    let store = store(max_idle);
    set_slot(0);
    (0..objects).for_each(|number| assert!(release(store, number)));
    store
}

/// A thread acquires while another collects: no object is lost, none is there twice, and the object that was idle all the
/// time is among those collected.
#[test]
fn collect_takes_what_was_idle_all_the_time() {
    loom::model(|| {
        let store = filled(16, 2);
        let owner = thread::spawn(move || {
            set_slot(0);
            acquire(store)
        });
        let collected = sweep(store, Store::take_all);
        let held = owner.join().unwrap();
        assert!(collected.len() + held.iter().len() == 2, "idle before the sweep, and neither held nor collected");
        assert_each_once([collected, held.into_iter().collect(), rest(store)].concat(), 0..2);
    });
}

/// A thief on a slot that does not exist yet moves a batch while another thread collects: no object slips from a part
/// that the sweep has not seen yet to one that it has seen already.
#[test]
fn a_thiefs_batch_does_not_escape_a_collect() {
    loom::model(|| {
        let store = filled(16, 5);
        let thief = thread::spawn(move || {
            set_slot(1);
            acquire(store)
        });
        let collected = sweep(store, Store::take_all);
        let held = thief.join().unwrap();
        assert!(collected.len() + held.iter().len() == 5, "idle before the sweep, and neither held nor collected");
        assert_each_once([collected, held.into_iter().collect(), rest(store)].concat(), 0..5);
    });
}

/// A full local stack is flushed while another thread collects.
#[test]
fn a_flushed_batch_does_not_escape_a_collect() {
    loom::model(|| {
        let store = filled(16, 2);
        let owner = thread::spawn(move || {
            set_slot(0);
            release(store, 2)
        });
        let collected = sweep(store, Store::take_all);
        // The object is dropped if both lists are in the sweep's hands.
        let kept = owner.join().unwrap();
        assert!(collected.contains(&0) && collected.contains(&1));
        assert_each_once([collected, rest(store)].concat(), 0..2 + usize::from(kept));
    });
}

/// A release into an empty local stack while another thread collects: an object that the sweep takes was reset before.
#[test]
fn a_collected_object_was_released_before() {
    loom::model(|| {
        let store = filled(16, 1);
        let held = acquire(store).unwrap();
        let owner = thread::spawn(move || {
            set_slot(0);
            release(store, held)
        });
        let collected = sweep(store, Store::take_all);
        // The object is dropped if the top and both lists are in the sweep's hands, one after the other.
        let kept = owner.join().unwrap();
        assert_each_once([collected, rest(store)].concat(), 0..usize::from(kept));
    });
}

/// Two threads share a slot: the top and the try-lock keep them apart.
#[test]
fn one_slot_serves_two_threads() {
    loom::model(|| {
        let store = filled(16, 1);
        let run = move || {
            set_slot(0);
            match acquire(store) {
                Some(number) => release(store, number),
                None => true,
            }
        };
        let other = thread::spawn(run);
        assert!(run());
        assert!(other.join().unwrap());
        assert_each_once(rest(store), 0..1);
    });
}

/// Two thieves and the owner at one shared list.
#[test]
fn shared_gives_each_object_to_one_thief() {
    loom::model(|| {
        let store = filled(16, 4);
        let thief = |slot| {
            thread::spawn(move || {
                set_slot(slot);
                acquire(store)
            })
        };
        let (one, other) = (thief(1), thief(1));
        let held = [one.join().unwrap(), other.join().unwrap()].into_iter().flatten().collect();
        assert_each_once([held, rest(store)].concat(), 0..4);
    });
}

/// Ageing while another thread works: the charges follow the objects, and the bound is full in the end, not over.
#[test]
fn ageing_keeps_the_bound() {
    loom::model(|| {
        let store = filled(4, 3);
        let owner = thread::spawn(move || {
            set_slot(0);
            let held = acquire(store);
            held.filter(|&number| !release(store, number))
        });
        let aged = sweep(store, Store::take_aged);
        assert!(aged.is_empty(), "nothing was idle for an interval");
        let dropped: Vec<_> = owner.join().unwrap().into_iter().collect();
        let idle = rest(store);
        assert!(idle.len() <= 4 && store.bound.excess() == 0);
        assert_each_once([dropped, idle].concat(), 0..3);
    });
}

/// Two releases and one place.
#[test]
fn the_bound_is_strict() {
    loom::model(|| {
        let store = store(1);
        let other = thread::spawn(move || {
            set_slot(1);
            release(store, 0)
        });
        set_slot(0);
        let kept = usize::from(release(store, 1)) + usize::from(other.join().unwrap());
        assert_eq!(kept, 1);
        assert_eq!(rest(store).len(), 1);
    });
}

/// Two threads use a pool first at the same moment, in two slots of which the second extends the table.
#[test]
fn both_of_two_first_uses_are_kept() {
    loom::model(|| {
        let store = store(16);
        let other = thread::spawn(move || {
            set_slot(2);
            assert!(release(store, 0));
        });
        set_slot(0);
        assert!(release(store, 1));
        other.join().unwrap();
        assert_each_once(rest(store), 0..2);
    });
}

/// A slot is made and published while another thread sweeps. No sequence finds it before the sweep's end, unless the sweep visits
/// it. A sequence does find it in the end, at the latest when the slow path comes by again.
#[test]
fn a_slot_is_not_noted_while_a_sweep_goes_by() {
    loom::model(|| {
        let store = filled(16, 1);
        let offsets = &store.tables.offsets;
        let make = move || {
            set_slot(1);
            ptr::from_ref(store.slot_or_make().1)
        };
        let maker = thread::spawn(make);
        let sweeper = thread::spawn(move || {
            let before = offsets.look(1).unwrap();
            assert!(store.tables.stop());
            let swept: Vec<_> = store.tables.first_table().unwrap().slots_in_sweep().map(ptr::from_ref).collect();
            assert!(before.is_none_or(|slot| swept.contains(&slot)), "found by a sequence, and not by the sweep");
            assert_eq!([offsets.look(0), offsets.look(1)], [Err(Stopped), Err(Stopped)]);
            store.tables.restart();
        });
        let made = maker.join().unwrap();
        sweeper.join().unwrap();
        assert_eq!(make(), made);
        assert_eq!(offsets.look(1), Ok(Some(made)));
    });
}

/// A thread uses a pool first, while another sweeps it through its own handle (`Pool::collect`), not by way of the registry's list.
#[test]
fn a_first_use_is_seen_whole_by_a_sweep_of_that_pool_alone() {
    loom::model(|| {
        let store = store(16);
        let offsets = &store.tables.offsets;
        let user = thread::spawn(move || {
            set_slot(0);
            ptr::from_ref(store.slot_or_make().1)
        });
        if store.tables.stop() {
            // The fence of `membarrier`.
            fence(SeqCst);
            for _slot in store.tables.first_table().into_iter().flat_map(|first| first.slots_in_sweep()) {
                assert!(!matches!(offsets.look(0), Ok(Some(_))), "the sweep is at a stack that sequences find");
            }
            store.tables.restart();
            assert!(store.tables.is_running(), "the pool stays stopped");
        }
        user.join().unwrap();
    });
}

/// A flush fills a list while a sweep, which has seen the stack empty, decides whether to pass the list by.
#[test]
fn a_list_that_is_passed_by_is_empty() {
    loom::model(|| {
        // A list, and the length of a local stack with one object.
        let all: &'static _ = Box::leak(Box::new((List::new(), AtomicUsize::new(1))));
        let (list, stacked) = all;
        let mover = thread::spawn(move || {
            let mut locked = list.try_lock().unwrap();
            // The commit of the batch; the sweep's fence comes after it.
            stacked.store(0, Release);
            locked.push(Object::from_box(Box::new(Cell::new(0_usize))));
        });
        let passed_by = stacked.load(Acquire) == 0 && list.is_settled_and_empty();
        mover.join().unwrap();
        let object = list.try_lock().unwrap().pop().map(number);
        assert!(object == Some(0) && !passed_by, "the object is on no stack, and its list was passed by");
    });
}

/// Two threads change the limit and a third charges: never more than the larger limit allows.
#[test]
fn of_two_limits_no_more_than_the_larger_is_charged() {
    loom::model(|| {
        let bound: &'static Bound = Box::leak(Box::new(Bound::new(3)));
        let setters = [1, 3].map(|max| thread::spawn(move || bound.set_max(max)));
        let charged = bound.charge_up_to(10);
        assert!(charged <= 3, "{charged} charged");
        setters.into_iter().for_each(|setter| setter.join().unwrap());
        assert_eq!(bound.max() + bound.excess(), charged + bound.available());
    });
}

/// The storage of a pool that is a value: `life` and the store, with hooks that are a counter of their drops.
fn value(objects: usize) -> (&'static Life<Store>, &'static AtomicUsize, Vec<Object>) {
    let drops: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
    // A storage of its own for each repetition: no list is shared.
    let key =
        Key { hooks: TypeId::of::<()>(), name: "model", local: 2, weighs: false, discards: true, library: Library };
    // SAFETY: the hooks of these models are such counters.
    let drop_hooks: DropHooks = |hooks| _ = unsafe { &*hooks.cast::<AtomicUsize>() }.fetch_add(1, Relaxed);
    let (kind, _) = Kinds::new().take(key, drop_hooks);
    let dispose = |object| _ = number(object);
    let life = Store::new("model", dispose, || Library).with_local(2).begin(kind);
    life.storage().renew(Some(16));
    life.renew(ptr::from_ref(drops).cast_mut().cast());
    set_slot(0);
    let made = |n| life.storage().created(Object::from_box(Box::new(Cell::new(n))));
    (life, drops, (0..objects).map(made).collect())
}

/// As `registry::owned::close`, without the registry's lock, which all models would share.
fn close(life: &'static Life<Store>) {
    let store = life.storage();
    let inside = Inside::enter(store).expect("it is open");
    assert!(store.tables.stop());
    let taken = store.take_for_good(true);
    life.close();
    store.bound.give_back(taken.len());
    taken.into_iter().for_each(|object| store.dispose(object));
    inside.end(&mut Swept::default());
}

/// A guard's drop.
fn end(life: &'static Life<Store>, object: Object) {
    if let Err(object) = current::push(&life.storage().tables, object) {
        life.keep_or_drop(object);
    }
}

/// A pool is dropped while a guard ends: the storage is handed over once, and no object is left in it.
#[test]
fn a_dropped_pool_hands_its_storage_over_once() {
    loom::model(|| {
        let (life, drops, mut objects) = value(2);
        // An idle object, on a stack that has a place for another by now.
        end(life, objects.pop().unwrap());
        let held = objects.pop().unwrap();
        let thread = thread::spawn(move || {
            set_slot(0);
            end(life, held);
        });
        close(life);
        thread.join().unwrap();
        assert_eq!((drops.load(Relaxed), life.storage().idle()), (1, 0));
    });
}

/// Two guards end on threads of their own, out of line, while the pool is dropped. The storage is a cell that loom watches: a thread that uses it
/// reads the cell, and the thread to which it is handed over writes there.
#[test]
fn the_last_of_two_guards_hands_over() {
    struct Storage {
        cell: UnsafeCell<usize>,
        ended: AtomicUsize,
    }
    // SAFETY: loom watches the cell.
    unsafe impl Sync for Storage {}

    fn key() -> Key {
        Key { hooks: TypeId::of::<()>(), name: "model", local: 0, weighs: false, discards: true, library: Library }
    }

    fn hand_over(life: &'static Life<Storage>) {
        life.storage().cell.with_mut(|handed_over| {
            // SAFETY: loom watches the cell.
            unsafe { *handed_over += 1 }
        });
    }

    fn exit(life: &'static Life<Storage>) {
        life.storage().cell.with(|_| {});
        if life.exit() && life.settle(2 - life.storage().ended.load(Relaxed)) {
            hand_over(life);
        }
    }

    loom::model(|| {
        let (kind, _) = Kinds::new().take(key(), |_| {});
        let life = Life::begin(kind, Storage { cell: UnsafeCell::new(0), ended: AtomicUsize::new(0) });
        life.renew(ptr::null_mut());
        let end = move || {
            if life.enter() {
                life.storage().ended.fetch_add(1, Relaxed);
                exit(life);
            } else {
                life.storage().cell.with(|_| {});
                if life.leave() {
                    hand_over(life);
                }
            }
        };
        let guards = [thread::spawn(end), thread::spawn(end)];
        assert!(life.enter());
        life.close();
        exit(life);
        guards.into_iter().for_each(|guard| guard.join().unwrap());
        // SAFETY: loom watches the cell.
        assert_eq!(life.storage().cell.with(|handed_over| unsafe { *handed_over }), 1);
    });
}
