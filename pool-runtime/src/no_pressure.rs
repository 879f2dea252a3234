//! In place of `pressure`, on systems where nothing tells of memory pressure: the collector sleeps, and that is all.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Instant;

use crate::collector::{PressureError, PressureSource, Wake};

pub(crate) struct Found {
    pub(crate) source: PressureSource,
    pub(crate) watch: Option<Watch>,
    pub(crate) errors: Vec<PressureError>,
}

/// There is none.
pub(crate) enum Watch {}

/// There are none.
pub(crate) struct Sources;

impl Found {
    pub(crate) fn nothing() -> Self {
        Self { source: PressureSource::None, watch: None, errors: Vec::new() }
    }
}

impl Sources {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn first(&mut self) -> Found {
        Found::nothing()
    }

    pub(crate) fn next(&mut self) -> Found {
        Found::nothing()
    }

    pub(crate) fn again(&mut self) -> Option<Found> {
        None
    }
}

/// Ends a [`Sleeper`]'s sleep for good.
pub(crate) struct Alarm(SyncSender<()>);

/// What the collector sleeps on.
pub(crate) struct Sleeper(Receiver<()>);

pub(crate) fn sleeper() -> io::Result<(Alarm, Sleeper)> {
    let (alarm, heard) = sync_channel(1);
    Ok((Alarm(alarm), Sleeper(heard)))
}

impl Alarm {
    pub(crate) fn ring(&self) {
        // Full, or heard already: either way it has rung.
        let _ = self.0.try_send(());
    }

    /// There are no descriptors.
    pub(crate) fn close_inherited(&self) {}
}

impl Sleeper {
    /// There is nothing to watch.
    pub(crate) fn watch(&mut self, _watch: Option<Watch>) {}

    /// Sleeps until the deadline or the alarm.
    pub(crate) fn sleep(&mut self, deadline: Option<Instant>) -> Wake {
        let Some(deadline) = deadline else {
            let _ = self.0.recv();
            return Wake::Alarm;
        };
        match self.0.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Err(RecvTimeoutError::Timeout) => Wake::Deadline,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Wake::Alarm,
        }
    }
}
