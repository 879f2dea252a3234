//! Pools under rayon: a guard for each item, and no guard over a `join`.

use std::num::ParseIntError;

use pool_runtime::Pooled;
use rayon::prelude::*;

#[derive(Default, Pooled)]
struct Scratch {
    numbers: Vec<u64>,
}

/// The median of each line's numbers.
fn medians(lines: &[&str]) -> Result<Vec<u64>, ParseIntError> {
    lines
        .par_iter()
        .map(|line| {
            let mut scratch = Scratch::acquire(); // empty, whatever thread the item is on
            for number in line.split(' ') {
                scratch.numbers.push(number.parse()?); // an error releases it, too
            }
            scratch.numbers.sort_unstable();
            Ok(scratch.numbers[scratch.numbers.len() / 2])
        })
        .collect()
}

#[test]
fn a_guard_for_each_item() {
    let lines = ["3 1 2"; 10_000];
    assert_eq!(medians(&lines).unwrap(), [2; 10_000]);
    assert!(medians(&["1 2", "three"]).is_err());
    let stats = Scratch::pool().stats();
    println!("{} made for 10,000 items", stats.created);
    assert_eq!(stats.in_use, 0);
    // Each thread holds one at a time. A thread that is preempted in the wrong place costs another.
    assert!(stats.created <= 4 * rayon::current_num_threads() as u64, "{}", stats.created);
}

#[derive(Default, Pooled)]
struct Buffer {
    merged: Vec<u64>,
}

fn sort(items: &mut [u64]) {
    if items.len() < 2 {
        return;
    }
    let (left, right) = items.split_at_mut(items.len() / 2);
    rayon::join(|| sort(left), || sort(right));
    let mut buffer = Buffer::acquire(); // after the join, not before it
    buffer.merged.extend(left.iter().chain(&*right));
    buffer.merged.sort(); // two sorted runs: a merge
    items.copy_from_slice(&buffer.merged);
}

/// The same with the guard held over the join.
#[derive(Default, Pooled)]
#[pooled(max_idle = 10_000)]
struct Held {
    merged: Vec<u64>,
}

fn sort_held(items: &mut [u64]) {
    if items.len() < 2 {
        return;
    }
    let mut buffer = Held::acquire();
    let (left, right) = items.split_at_mut(items.len() / 2);
    rayon::join(|| sort_held(left), || sort_held(right));
    buffer.merged.extend(left.iter().chain(&*right));
    buffer.merged.sort();
    items.copy_from_slice(&buffer.merged);
}

#[test]
fn no_guard_over_a_join() {
    let sorted: Vec<u64> = (0..1 << 16).collect();
    let shuffled: Vec<u64> = sorted.iter().map(|i| i.wrapping_mul(40_503) % (1 << 16)).collect();
    let mut items = shuffled.clone();
    sort(&mut items);
    assert_eq!(items, sorted);
    let after = Buffer::pool().stats();
    let mut items = shuffled;
    sort_held(&mut items);
    assert_eq!(items, sorted);
    let held = Held::pool().stats();
    println!("{} made with the guard after the join, {} with it before", after.created, held.created);
    assert_eq!((after.in_use, held.in_use), (0, 0));
    assert!(after.created <= 4 * rayon::current_num_threads() as u64, "{}", after.created);
    // Each level of the recursion holds one.
    assert!(held.created >= 16, "{}", held.created);
}
