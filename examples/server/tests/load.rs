//! Many connections at once, some of which behave badly: no answer has another's bytes, nothing stays in use, and memory comes back.

mod common;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use common::client::{Client, Raw, chunked, whole};
use common::program::{Program, command};
use common::{PATHS, in_time, is_off, marked, noise, unpacked};

/// Asks once for each path, and compares the bodies.
async fn ask_for_all(client: &mut Client, mark: usize, length: usize) {
    for path in PATHS {
        let body = marked(mark, length);
        let answer = client.post(path, chunked(body.clone(), 4000)).await;
        assert!(unpacked(path, &answer.body) == body, "{path}: the answer for {mark} is another");
    }
}

/// Waits for all tasks; a panic of a task is one of the test.
async fn all(mut tasks: JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_cancelled_halfway_leave_nothing_in_use() {
    in_time(async {
        let server = Program::start(&[]);
        let address = server.address;
        let mut tasks = JoinSet::new();
        for mark in 0..60 {
            tasks.spawn(async move {
                let path = ["/gzip", "/zstd", "/brotli", "/json"][mark % 4];
                let mut raw = Raw::new(address).await;
                // Into the answer, if the mark is odd: noise makes the answer as large as the body.
                raw.begin(path, 200_000).await;
                let body = noise(mark, 100_000);
                raw.send(&body).await;
                if mark % 2 == 1 {
                    let _ = timeout(Duration::from_millis(500), raw.0.read(&mut [0; 100])).await;
                }
                match mark % 3 {
                    0 => raw.reset(),
                    _ => drop(raw),
                }
            });
        }
        // Others are served meanwhile, and use the same contexts.
        for mark in 0..8 {
            tasks.spawn(async move { ask_for_all(&mut Client::new(address).await, mark, 30_000).await });
        }
        all(tasks).await;
        server.is_quiet().await;
        server.stop();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_hold_buffers_until_they_are_cut() {
    in_time(async {
        const CLIENTS: usize = 8;
        /// More than the buffers of both kernels take.
        const LENGTH: usize = 12 << 20;
        let server = Program::start(&["--stall", "1.5"]);
        let address = server.address;
        let body: Arc<Vec<u8>> = Arc::new(noise(7, LENGTH));
        let mut tasks = JoinSet::new();
        let cut = Arc::new(AtomicUsize::new(0));
        for _ in 0..CLIENTS {
            let (body, cut) = (body.clone(), cut.clone());
            tasks.spawn(async move {
                let mut raw = Raw::new(address).await;
                raw.begin("/zstd", LENGTH).await;
                // The server takes no more once its answer is stuck, and cuts the connection then.
                let sent = timeout(Duration::from_secs(30), raw.send(&*body)).await.expect("cut");
                cut.fetch_add(usize::from(!sent), Relaxed);
            });
        }
        let start = Instant::now();
        while server.health().await.1 < CLIENTS as u64 {
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", server.health().await);
            sleep(Duration::from_millis(20)).await;
        }
        ask_for_all(&mut Client::new(address).await, 1, 30_000).await;
        all(tasks).await;
        assert_eq!(cut.load(Relaxed), CLIENTS);
        server.is_quiet().await;
        server.stop();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_burst_memory_is_back() {
    in_time(async {
        const CLIENTS: usize = 200;
        let server = Program::start(&["--collect", "0.2"]);
        let address = server.address;
        ask_for_all(&mut Client::new(address).await, 0, 30_000).await;
        sleep(Duration::from_millis(800)).await;
        let before = server.resident();

        let mut tasks = JoinSet::new();
        let (waiting, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
        for mark in 0..CLIENTS {
            let (waiting, go) = (waiting.clone(), go.clone());
            tasks.spawn(async move {
                let path = PATHS[mark % 3];
                let body = marked(mark, 20_000);
                let mut raw = Raw::new(address).await;
                raw.begin(path, body.len()).await;
                raw.send(&body[..10_000]).await;
                // All have sent the first half, so each has a context.
                let released = go.notified();
                waiting.fetch_add(1, Relaxed);
                released.await;
                raw.send(&body[10_000..]).await;
                let packed = body_of(&mut raw).await;
                assert!(unpacked(path, &packed) == body, "{path}: the answer for {mark} is another");
            });
        }
        let start = Instant::now();
        while waiting.load(Relaxed) < CLIENTS || server.health().await.1 < 2 * CLIENTS as u64 {
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", server.health().await);
            sleep(Duration::from_millis(20)).await;
        }
        let peak = server.resident();
        go.notify_waiters();
        all(tasks).await;
        server.is_quiet().await;
        let start = Instant::now();
        let mut after = server.resident();
        while !is_off() && after > before + (peak - before) / 5 && start.elapsed() < Duration::from_secs(10) {
            sleep(Duration::from_millis(100)).await;
            after = server.resident();
        }
        println!("{before} KiB resident before, {peak} in the burst, {after} after it");
        assert!(peak > before + (CLIENTS as u64) * 200, "each context has hundreds of KiB: {before}, {peak}");
        assert!(
            is_off() || after <= before + (peak - before) / 5,
            "{before} KiB before, {peak} in the burst, {after} after it"
        );
        server.stop();
    })
    .await;
}

/// The body of an answer that tells its length.
async fn body_of(raw: &mut Raw) -> Vec<u8> {
    let mut answer = Vec::new();
    loop {
        assert!(raw.0.read_buf(&mut answer).await.unwrap() > 0, "cut: {}", String::from_utf8_lossy(&answer));
        let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let text = str::from_utf8(&answer[..head]).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        let length: usize =
            text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        if answer.len() - head - 4 == length {
            return answer.split_off(head + 4);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_under_load_answers_what_it_has_begun() {
    in_time(async {
        let server = Program::start(&["--stall", "60"]);
        let address = server.address;
        let answered = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for mark in 0..64 {
            let answered = answered.clone();
            tasks.spawn(async move {
                while let Some(mut client) = Client::try_new(address).await {
                    let path = PATHS[mark % 3];
                    let body = marked(mark, 20_000);
                    // An error is one before the answer, or the server would have cut a request in flight.
                    while let Ok(answer) = client.try_send("POST", path, whole(body.clone())).await {
                        assert_eq!(answer.status, 200);
                        assert!(unpacked(path, &answer.body) == body, "{path}: the answer for {mark} is another");
                        answered.fetch_add(1, Relaxed);
                    }
                }
            });
        }
        // A request in flight: its second half comes after the server was asked to stop.
        let body = marked(99, 20_000);
        let mut raw = Raw::new(address).await;
        raw.begin("/gzip", body.len()).await;
        raw.send(&body[..10_000]).await;
        while answered.load(Relaxed) < 128 {
            sleep(Duration::from_millis(5)).await;
        }
        server.ask_to_stop();
        let start = Instant::now();
        while Client::try_new(address).await.is_some() {
            assert!(start.elapsed() < Duration::from_secs(10), "it accepts connections");
            sleep(Duration::from_millis(5)).await;
        }
        raw.send(&body[10_000..]).await;
        assert!(unpacked("/gzip", &body_of(&mut raw).await) == body);
        drop(raw);
        all(tasks).await;
        let said = server.end();
        assert!(said.starts_with("stopped: 0 connections cut, in use 0, given back "), "{said}");
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_cuts_what_does_not_end() {
    in_time(async {
        let server = Program::start(&["--grace", "0.3"]);
        let mut clients = Vec::new();
        for path in ["/gzip", "/json"] {
            let mut raw = Raw::new(server.address).await;
            raw.begin(path, 1000).await;
            raw.send(" ").await;
            clients.push(raw);
        }
        while server.health().await.1 < 2 {
            sleep(Duration::from_millis(5)).await;
        }
        let said = server.stop();
        assert!(said.starts_with("stopped: 2 connections cut, in use 0, "), "{said}");
    })
    .await;
}

#[tokio::test]
async fn an_open_page_does_not_hold_up_a_shutdown() {
    in_time(async {
        let server = Program::start(&["--grace", "20"]);
        let mut raw = Raw::new(server.address).await;
        raw.send(format!("GET /pools/events HTTP/1.1\r\nHost: {}\r\n\r\n", server.address)).await;
        let mut answer = [0; 100];
        raw.0.read_exact(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 OK"), "{}", String::from_utf8_lossy(&answer));
        let start = Instant::now();
        let reader = tokio::spawn(async move { raw.rest().await });
        let said = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
        assert!(said.starts_with("stopped: 0 connections cut"), "{said}");
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        reader.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn every_store_gives_the_same_answers() {
    in_time(async {
        for store in ["thread-local", "none"] {
            let server = Program::start(&["--store", store, "--collect", "0"]);
            let mut tasks = JoinSet::new();
            for mark in 0..8 {
                let address = server.address;
                tasks.spawn(async move {
                    let mut client = Client::new(address).await;
                    for round in 0..3 {
                        ask_for_all(&mut client, 10 * mark + round, 30_000).await;
                    }
                });
            }
            all(tasks).await;
            let said = server.stop();
            assert!(said.ends_with("given back 0 objects of 0 pools\n"), "{said}");
        }
    })
    .await;
}

#[test]
fn the_command_line_is_checked() {
    for (arguments, part) in [
        (["--store", "list"], "[possible values: pooled, thread-local, none]"),
        (["--stall", "soon"], "write a number from 0 to 86400"),
        (["--minutes", "1"], "--replay"),
        (["--listen", "127.0.0.1"], "--listen"),
    ] {
        let output = command().args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(part), "{arguments:?}: {said}");
    }
    // An address that is taken.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = command().args(["--listen", &listener.local_addr().unwrap().to_string()]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.starts_with("server: Address already in use"), "{said}");
}
