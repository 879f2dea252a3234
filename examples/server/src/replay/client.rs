//! A client of the replay: while it is at work it sends a body in two halves, with a pause between, and reads the answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::Request;
use hyper::body::Frame;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::Answers;
use super::day::{self, Day};

/// One client's day.
pub(super) async fn work(day: Day, number: usize, server: SocketAddr, answers: Arc<Answers>) {
    // Not all at the same moment.
    sleep(day.pause() * number as u32 / day.most as u32).await;
    let mut connection = None;
    let mut made = 0;
    while let Some(hour) = day.hour() {
        if number as f64 >= day.clients(hour) {
            // It closes its connection, and looks again.
            connection = None;
            sleep(day.pause() / 2).await;
            continue;
        }
        let request = day.request(hour, number, made);
        made += 1;
        let answered = send(&mut connection, server, request, day.pause()).await;
        let count = if answered.is_some() { &answers.right } else { &answers.wrong };
        count.fetch_add(1, Relaxed);
        if answered.is_none() {
            connection = None;
        }
    }
}

/// Sends a request on the connection, or on a new one. `None` if it was not answered as it should be.
async fn send(
    connection: &mut Option<SendRequest<Halves>>,
    server: SocketAddr,
    request: day::Request,
    pause: Duration,
) -> Option<()> {
    let sender = match connection {
        Some(sender) => sender,
        None => {
            let stream = TcpStream::connect(server).await.ok()?;
            let (sender, driver) = handshake(TokioIo::new(stream)).await.ok()?;
            tokio::spawn(driver);
            connection.insert(sender)
        }
    };
    sender.ready().await.ok()?;
    let body = halves(request.body.into(), pause);
    let request = Request::post(request.path).header("host", "replay").body(body).ok()?;
    let answer = sender.send_request(request).await.ok()?;
    let is_right = answer.status().is_success();
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    (is_right && !body.is_empty()).then_some(())
}

type Halves = UnsyncBoxBody<Bytes, Infallible>;

/// A body that pauses in its middle.
fn halves(body: Bytes, pause: Duration) -> Halves {
    let mut first = body;
    let second = first.split_off(first.len() / 2);
    let pieces = stream::iter([(first, Duration::ZERO), (second, pause)]).then(async |(piece, pause)| {
        sleep(pause).await;
        Ok(Frame::data(piece))
    });
    StreamBody::new(pieces).boxed_unsync()
}
