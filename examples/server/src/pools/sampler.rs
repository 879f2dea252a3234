//! One task takes a sample at an interval, keeps the last minutes', and hands each to all listeners.
//!
//! A listener gets what is kept and what comes under one lock, so that it misses no sample between the two. One that reads too slowly misses samples, and
//! costs no memory: each sample has the whole of the numbers, so its charts have a gap.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::{self, Display, Formatter};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use pool_runtime::registry;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::{MissedTickBehavior, interval};

use crate::pools::origin::random;
use crate::pools::sample::Sample;

/// Rows that are kept, of all samples together.
const MAX_ROWS: usize = 50_000;

/// Samples that a listener may be late by.
const LATE: usize = 16;

pub(super) struct Sampler {
    shared: Arc<Shared>,
    listeners: Arc<Semaphore>,
    /// The number of places for listeners.
    places: usize,
}

struct Shared {
    begin: Instant,
    /// Of this sampler, so that a browser's last event can be told from one of an earlier process.
    run: String,
    keep: Duration,
    /// A sample is wanted before its time.
    now: Notify,
    history: Mutex<History>,
}

#[derive(Default)]
struct History {
    /// How many samples were taken.
    taken: u64,
    /// The last ones, the oldest first.
    samples: VecDeque<Arc<Sample>>,
    /// `None` at the end.
    to_listeners: Option<broadcast::Sender<Bytes>>,
}

/// Why there is no place for a listener.
#[derive(Debug)]
pub(super) enum NoPlace {
    Taken(usize),
    Ended,
}

/// The stream of a page, and its place.
pub(super) struct Listener {
    kept: Option<Bytes>,
    coming: broadcast::Receiver<Bytes>,
    _place: OwnedSemaphorePermit,
}

impl Sampler {
    pub(super) fn start(
        every: Duration,
        keep: Duration,
        places: usize,
        until: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            begin: Instant::now(),
            run: random(),
            keep,
            now: Notify::new(),
            history: Mutex::new(History { to_listeners: Some(broadcast::Sender::new(LATE)), ..History::default() }),
        });
        // So that a page has numbers from the beginning.
        shared.take();
        tokio::spawn(sample_until(Arc::clone(&shared), every, until));
        Self { shared, listeners: Arc::new(Semaphore::new(places)), places }
    }

    /// Takes a sample without waiting for its time.
    pub(super) fn take_one_now(&self) {
        self.shared.now.notify_one();
    }

    /// A place for a listener whose last event was `last`, if it has had one.
    pub(super) fn listen(&self, last: Option<&str>) -> Result<Listener, NoPlace> {
        let place = Arc::clone(&self.listeners).try_acquire_owned().map_err(|_| NoPlace::Taken(self.places))?;
        let history = self.shared.lock();
        let coming = history.to_listeners.as_ref().ok_or(NoPlace::Ended)?.subscribe();
        let had =
            last.and_then(|last| last.strip_prefix(&self.shared.run)?.strip_prefix('-')?.parse().ok()).unwrap_or(0);
        let first = history.taken - history.samples.len() as u64;
        let skipped = usize::try_from(u64::saturating_sub(had, first)).unwrap_or(usize::MAX);
        let kept: Vec<Arc<Sample>> = history.samples.iter().skip(skipped).cloned().collect();
        drop(history);
        let kept: Vec<u8> = kept.iter().flat_map(|sample| sample.event.iter().copied()).collect();
        Ok(Listener { kept: Some(kept.into()), coming, _place: place })
    }

    /// The run's name, and the first and the last two of the samples that are kept.
    pub(super) fn last(&self) -> (&str, [Arc<Sample>; 3]) {
        let samples = &self.shared.lock().samples;
        let back = |places: usize| Arc::clone(&samples[samples.len().saturating_sub(places)]);
        (&self.shared.run, [Arc::clone(&samples[0]), back(2), back(1)])
    }

    pub(super) fn keep(&self) -> Duration {
        self.shared.keep
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.shared.end();
        self.shared.now.notify_one();
    }
}

async fn sample_until(shared: Arc<Shared>, every: Duration, until: impl Future<Output = ()>) {
    let mut until = std::pin::pin!(until);
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks.tick().await;
    loop {
        tokio::select! {
            () = &mut until => return shared.end(),
            _ = ticks.tick() => {}
            () = shared.now.notified() => {}
        }
        // It takes a few loads for each slot of each pool, so it may run here.
        if !shared.take() {
            return;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().expect("no thread panics with it")
    }

    /// Returns whether there is more to come.
    fn take(&self) -> bool {
        let (at, stats) = (self.begin.elapsed(), registry::stats());
        let mut history = self.lock();
        history.taken += 1;
        let sample = Sample::new(at, &format!("{}-{}", self.run, history.taken), &stats);
        history.push(sample, self.keep)
    }

    fn end(&self) {
        self.lock().to_listeners = None;
    }
}

impl History {
    fn push(&mut self, sample: Sample, keep: Duration) -> bool {
        let Some(to_listeners) = &self.to_listeners else { return false };
        // Without listeners it is an error, and nothing.
        let _ = to_listeners.send(sample.event.clone());
        let from = sample.at.saturating_sub(keep);
        self.samples.push_back(Arc::new(sample));
        let mut rows: usize = self.samples.iter().map(|sample| sample.rows.len()).sum();
        while self.samples.len() > 2 && (self.samples[0].at < from || rows > MAX_ROWS) {
            rows -= self.samples.pop_front().map_or(0, |sample| sample.rows.len());
        }
        true
    }
}

impl Listener {
    pub(super) fn into_body(self) -> Body {
        Body::from_stream(stream::unfold(self, async |mut listener| {
            Some((Ok::<_, Infallible>(listener.next().await?), listener))
        }))
    }

    async fn next(&mut self) -> Option<Bytes> {
        if let Some(kept) = self.kept.take() {
            return Some(kept);
        }
        loop {
            match self.coming.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl Display for NoPlace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(places) => write!(f, "{places} pages are open, and no more may be; close one"),
            Self::Ended => f.write_str("the server is being stopped"),
        }
    }
}

impl IntoResponse for NoPlace {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "10")], self.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pools::sample::{Row, Rows};

    fn history() -> (History, broadcast::Receiver<Bytes>) {
        let to_listeners = broadcast::Sender::new(LATE);
        let coming = to_listeners.subscribe();
        (History { to_listeners: Some(to_listeners), ..History::default() }, coming)
    }

    fn sample(second: u64, rows: usize) -> Sample {
        let rows: Rows = (0..rows).map(|row| (row.to_string().into(), Row::default())).collect();
        Sample { at: Duration::from_secs(second), rows, event: Bytes::new() }
    }

    #[test]
    fn samples_are_kept_for_their_time() {
        let (mut history, _coming) = history();
        for second in 0..100 {
            assert!(history.push(sample(second, 1), Duration::from_secs(10)));
            assert_eq!(history.samples.len() as u64, (second + 1).min(11));
        }
    }

    #[test]
    fn many_pools_are_kept_for_less_and_two_samples_always() {
        let (mut history, _coming) = history();
        for second in 0..20 {
            history.push(sample(second, MAX_ROWS / 5), Duration::MAX);
            assert_eq!(history.samples.len() as u64, (second + 1).min(5));
        }
        for second in 20..25 {
            history.push(sample(second, MAX_ROWS + 1), Duration::MAX);
        }
        assert_eq!(history.samples.len(), 2, "a rate is of two");
    }
}
