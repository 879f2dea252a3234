//! Small objects without memory of their own, which an allocator hands out about as fast as any pool.

#![allow(clippy::vec_box, reason = "an object that is in use has a stable address, as ours has")]

use std::cell::RefCell;
use std::hint::black_box;

use pool_runtime::Pooled;

use super::threads::run;
use super::{BATCH, Figures, times};
use crate::contestant::lists::ThreadLocalVec;
use crate::contestant::none::NoPool;
use crate::contestant::ours::Ours;
use crate::protocol::Task;

/// Four words. Not all zero when new: the compiler would ask for zeroed memory, for which glibc takes three times as long.
#[derive(Pooled)]
#[pooled(new = Self::new)]
pub(crate) struct Point {
    #[pooled(set = [1.0; 3])]
    place: [f64; 3],
    time: u64,
}

impl Point {
    fn new() -> Self {
        Self { place: [1.0; 3], time: 0 }
    }
}

/// A source of points.
pub(crate) trait Points: 'static {
    /// Calls `work` with a point that is as good as new.
    fn with(work: impl FnOnce(&mut Point));
}

/// One at a time.
pub(crate) fn points_of<P: Points>(task: &Task) -> Figures {
    let lane = |_| {
        || {
            for _ in 0..BATCH {
                P::with(|point| {
                    point.place[1] = 2.0;
                    point.time += 1;
                    black_box(point);
                });
            }
            BATCH
        }
    };
    times(&run(task, lane))
}

impl Points for Ours {
    #[inline]
    fn with(work: impl FnOnce(&mut Point)) {
        work(&mut Point::acquire());
    }
}

impl Points for NoPool {
    #[inline]
    fn with(work: impl FnOnce(&mut Point)) {
        work(&mut Box::new(Point::new()));
    }
}

impl Points for ThreadLocalVec {
    #[inline]
    fn with(work: impl FnOnce(&mut Point)) {
        thread_local! {
            static OWN: RefCell<Vec<Box<Point>>> = const { RefCell::new(Vec::new()) };
        }
        let mut point = OWN.with_borrow_mut(Vec::pop).unwrap_or_else(|| Box::new(Point::new()));
        work(&mut point);
        *point = Point::new();
        OWN.with_borrow_mut(|own| own.push(point));
    }
}
