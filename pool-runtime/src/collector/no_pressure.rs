//! In place of `pressure`, on systems without a source of memory pressure: the collector only sleeps.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Instant;

use super::heard::{PressureError, PressureSource, Wake};

pub(super) struct Found {
    pub(super) source: PressureSource,
    pub(super) watch: Option<Watch>,
    pub(super) errors: Vec<PressureError>,
}

/// There is none.
pub(super) enum Watch {}

/// There are none.
pub(super) struct Sources;

impl Found {
    pub(super) fn nothing() -> Self {
        Self { source: PressureSource::None, watch: None, errors: Vec::new() }
    }
}

impl Sources {
    pub(super) fn new() -> Self {
        Self
    }

    pub(super) fn first(&mut self) -> Found {
        Found::nothing()
    }

    pub(super) fn next(&mut self) -> Found {
        Found::nothing()
    }

    pub(super) fn again(&mut self) -> Option<Found> {
        None
    }
}

/// Ends a [`Sleeper`]'s sleep for good.
pub(super) struct Alarm(SyncSender<()>);

/// The channel that the collector sleeps on.
pub(super) struct Sleeper(Receiver<()>);

pub(super) fn sleeper() -> io::Result<(Alarm, Sleeper)> {
    let (alarm, heard) = sync_channel(1);
    Ok((Alarm(alarm), Sleeper(heard)))
}

impl Alarm {
    pub(super) fn ring(&self) {
        // If the channel is full or closed, the alarm has rung already.
        let _ = self.0.try_send(());
    }

    /// There are no descriptors.
    pub(super) fn close_inherited(&self) {}
}

impl Sleeper {
    /// Does nothing: there is no source.
    pub(super) fn watch(&mut self, _watch: Option<Watch>) {}

    /// Sleeps until the deadline or the alarm.
    pub(super) fn sleep(&mut self, deadline: Option<Instant>) -> Wake {
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
