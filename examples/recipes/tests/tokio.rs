//! Pools under tokio: guards over `.await`, cancellation, `spawn_blocking`, and a semaphore before a pool.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use pool_runtime::{Guard, Pooled};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task;
use tokio::time::timeout;

#[derive(Default, Pooled)]
struct Message {
    bytes: Vec<u8>,
}

/// A message in parts. The task may be on another thread after each `.await`, and the thread that it ends on releases the guard.
async fn assemble(mut parts: mpsc::Receiver<&'static [u8]>) -> usize {
    let mut message = Message::acquire();
    while let Some(part) = parts.recv().await {
        message.bytes.extend_from_slice(part);
    }
    message.bytes.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_over_await() {
    let mut tasks = Vec::new();
    for _ in 0..100 {
        let (send, parts) = mpsc::channel(1);
        let task = tokio::spawn(assemble(parts)); // `Guard<T>` is `Send`, as each `T` is that has a pool
        tasks.push((send, task));
    }
    for (send, _) in &tasks {
        send.send(b"hello, ").await.unwrap();
        send.send(b"world").await.unwrap();
        send.send(b"!").await.unwrap(); // the task has received the first, so it has a guard
    }
    assert_eq!(Message::pool().settled_stats().map(|stats| stats.in_use), Some(100));
    for (send, task) in tasks {
        drop(send);
        assert_eq!(task.await.unwrap(), 13);
    }
    assert_eq!(Message::pool().settled_stats().map(|stats| stats.in_use), Some(0));
}

#[derive(Default, Pooled)]
struct Reply {
    bytes: Vec<u8>,
}

/// Waits first, and acquires then: ten thousand connections that wait hold no objects.
async fn serve(mut requests: mpsc::Receiver<u32>, replies: mpsc::Sender<usize>) {
    while let Some(request) = requests.recv().await {
        let mut reply = Reply::acquire();
        reply.bytes.extend_from_slice(&request.to_le_bytes());
        let length = reply.bytes.len();
        drop(reply); // before the next `.await`
        if replies.send(length).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_guard_while_a_task_waits() {
    let mut connections = Vec::new();
    for _ in 0..10_000 {
        let (send, requests) = mpsc::channel(1);
        let (replies, receive) = mpsc::channel(1);
        tokio::spawn(serve(requests, replies));
        connections.push((send, receive));
    }
    for (send, receive) in &mut connections {
        send.send(7).await.unwrap();
        assert_eq!(receive.recv().await, Some(4));
    }
    let stats = Reply::pool().settled_stats().unwrap();
    println!("{} made for 10,000 connections", stats.created);
    assert_eq!(stats.in_use, 0);
    assert!(stats.created < 100, "{}", stats.created);
}

#[derive(Default, Pooled)]
struct Half {
    written: Vec<u8>,
}

/// Writes a byte each millisecond, and would need a minute.
async fn write_slowly(begun: oneshot::Sender<()>) {
    let mut half = Half::acquire();
    half.written.push(1);
    _ = begun.send(());
    for _ in 0..60_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        half.written.push(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_releases() {
    // A timeout drops the future, and the future its guard: the object is reset, and idle again.
    let (begun, _) = oneshot::channel();
    assert!(timeout(Duration::from_millis(20), write_slowly(begun)).await.is_err());
    assert_eq!(Half::pool().settled_stats().map(|stats| (stats.in_use, stats.idle)), Some((0, 1)));
    assert!(Half::acquire().written.is_empty());

    // So does `abort`, as soon as the task is at an `.await`.
    let (begun, has_begun) = oneshot::channel();
    let task = tokio::spawn(write_slowly(begun));
    has_begun.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(Half::pool().settled_stats().map(|stats| stats.in_use), Some(0));

    // A panic in a task drops the object.
    let task = tokio::spawn(async {
        let mut half = Half::acquire();
        half.written.push(1);
        panic!("in the middle");
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(Half::pool().settled_stats().map(|stats| (stats.in_use, stats.dropped.panic)), Some((0, 1)));
}

/// A conversation with a peer: its reset cannot tell the peer that half of a message is missing.
#[derive(Default, Pooled)]
struct Connection {
    #[pooled(keep)]
    sent: Vec<u8>,
}

/// A connection that goes back to its pool if it is finished, and is dropped otherwise.
struct Exchange(Option<Guard<Connection>>);

impl Exchange {
    fn begin() -> Self {
        Self(Some(Connection::acquire()))
    }

    fn send(&mut self, byte: u8) {
        self.0.as_mut().expect("it is not finished").sent.push(byte);
    }

    fn finish(mut self) {
        drop(self.0.take()); // released
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            Guard::discard(connection);
        }
    }
}

#[tokio::test]
async fn a_cancelled_task_discards() {
    let mut whole = Exchange::begin();
    whole.send(1);
    whole.finish();
    assert_eq!(Connection::pool().idle(), 1);

    let half = async {
        let mut half = Exchange::begin();
        half.send(1);
        std::future::pending::<()>().await;
        half.finish();
    };
    assert!(timeout(Duration::from_millis(1), half).await.is_err());
    let stats = Connection::pool().stats();
    assert_eq!((stats.idle, stats.in_use, stats.dropped.discard), (0, 0, 1));
}

#[derive(Default, Pooled)]
struct Work {
    input: Vec<u8>,
    output: Vec<u8>,
}

/// The guard moves to the thread that may block, and comes back with the result.
async fn checksum(input: &[u8]) -> Result<Guard<Work>, task::JoinError> {
    let mut work = Work::acquire();
    work.input.extend_from_slice(input);
    task::spawn_blocking(move || {
        let sum: u64 = work.input.iter().map(|&byte| u64::from(byte)).sum();
        work.output.extend_from_slice(&sum.to_le_bytes());
        work
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_moves_to_a_blocking_thread() {
    let work = checksum(&[1; 1000]).await.unwrap();
    assert_eq!(*work.output, 1000_u64.to_le_bytes());
    drop(work);
    assert_eq!(Work::pool().settled_stats().map(|stats| (stats.in_use, stats.created)), Some((0, 1)));

    // A closure that runs cannot be cancelled: the guard comes back when it ends, though its future is gone.
    let (go, wait) = std::sync::mpsc::channel();
    let (done, is_done) = oneshot::channel();
    let work = Work::acquire();
    drop(task::spawn_blocking(move || {
        wait.recv().unwrap();
        drop(work);
        done.send(()).unwrap();
    }));
    assert_eq!(Work::pool().settled_stats().map(|stats| stats.in_use), Some(1));
    go.send(()).unwrap();
    is_done.await.unwrap();
    assert_eq!(Work::pool().settled_stats().map(|stats| stats.in_use), Some(0));
}

/// 16 MiB each: no more than four at a time.
#[derive(Pooled)]
#[pooled(new = || Decoder { window: vec![0; 16 << 20] }, max_idle = 4, local = 0)]
struct Decoder {
    #[pooled(keep)]
    window: Vec<u8>,
}

static DECODERS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(4)));

/// A decoder and the permit for it. Fields are dropped in their order: the decoder is idle before the next task may have one.
struct Permitted {
    decoder: Guard<Decoder>,
    _permit: OwnedSemaphorePermit,
}

impl Permitted {
    async fn acquire() -> Self {
        let permit = DECODERS.clone().acquire_owned().await.expect("it is never closed");
        Self { decoder: Decoder::acquire(), _permit: permit }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_semaphore_before_a_pool() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static IN_USE: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let tasks: Vec<_> = (0..200)
        .map(|i| {
            tokio::spawn(async move {
                let mut permitted = Permitted::acquire().await;
                MOST.fetch_max(IN_USE.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                permitted.decoder.window[i] = 1;
                task::yield_now().await;
                IN_USE.fetch_sub(1, Ordering::Relaxed);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let stats = Decoder::pool().settled_stats().unwrap();
    println!("{} at a time, {} made, {} idle", MOST.load(Ordering::Relaxed), stats.created, stats.idle);
    assert!(MOST.load(Ordering::Relaxed) <= 4);
    assert_eq!(stats.in_use, 0);
    assert!(stats.idle <= 4);
}
