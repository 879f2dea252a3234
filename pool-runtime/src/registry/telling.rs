//! What a sweep tells the subscriber of `tracing`: it notes facts under the lock, and tells them when the lock is free and the objects are dropped.

use core::mem;
use std::time::Instant;

use crate::events;
use crate::registry::work::Work;
use crate::storage::drops::Swept;
use crate::storage::live::Registration;
use crate::storage::store::Store;

/// A sweep that is at work.
pub(super) struct Telling {
    work: Work,
    span: Option<events::Span>,
    /// The account of panics of the subscriber.
    account: Swept,
    /// `None` on a system without a clock.
    begin: Option<Instant>,
    pools: usize,
    /// The pools that no sweep has told of, with their bounds.
    started: Vec<(&'static str, usize)>,
    /// The pools, with their bounds before and after.
    bounds: Vec<(&'static Store, &'static str, usize, usize)>,
}

impl Telling {
    /// The lock is not held.
    pub(super) fn begin(work: Work) -> Self {
        let mut account = Swept::default();
        let span = account.run(|| events::Span::enter(work.name(), work.pool()));
        let begin = (!cfg!(all(target_family = "wasm", target_os = "unknown"))).then(Instant::now);
        Self { work, span, account, begin, pools: 0, started: Vec::new(), bounds: Vec::new() }
    }

    /// Notes the pools. The lock is held.
    pub(super) fn note_pools(&mut self, stores: &[&'static Store]) {
        self.pools = stores.len();
        self.bounds.clear();
        for store in stores {
            let max = store.bound.max();
            if store.registration().is_some_and(Registration::tell_start) {
                self.started.push((store.name(), max));
            }
            let before = if let Work::Bound(_, before) = self.work { before } else { max };
            self.bounds.push((store, store.name(), before, before));
        }
    }

    /// Notes the bounds after the sweep. The lock is held.
    pub(super) fn note_bounds(&mut self) {
        self.bounds.iter_mut().for_each(|(store, _, _, after)| *after = store.bound.max());
    }

    /// Tells all of it. The lock is not held.
    pub(super) fn end(mut self, swept: Swept) -> Swept {
        let (objects, bytes) = (swept.objects, swept.bytes);
        let mut account = mem::take(&mut self.account);
        account.run(|| {
            self.started.iter().for_each(|(pool, max)| events::started(pool, *max));
            let changed = self.bounds.iter().filter(|(_, _, before, after)| before != after);
            changed.for_each(|(_, pool, before, after)| events::bound_changed(pool, *before, *after));
            let duration = self.begin.map_or_else(Default::default, |begin| begin.elapsed());
            events::swept(self.work.name(), self.work.pool(), self.pools, objects, bytes, duration);
        });
        account.run(|| drop(self.span.take()));
        // The first panic is that of an object, if there is one.
        swept.and(account)
    }
}
