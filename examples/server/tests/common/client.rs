//! A client by hyper, and one that does as it likes.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A connection that is kept.
pub struct Client {
    sender: SendRequest<Body>,
    connection: JoinHandle<Result<(), hyper::Error>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("text")
    }
}

/// A body whose length is told first.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// A body of chunks, whose length is not told.
pub fn chunked(bytes: impl Into<Bytes>, length: usize) -> Body {
    let bytes: Bytes = bytes.into();
    let chunks: Vec<Bytes> = bytes.chunks(length).map(|chunk| bytes.slice_ref(chunk)).collect();
    StreamBody::new(stream::iter(chunks.into_iter().map(|chunk| Ok(Frame::data(chunk))))).boxed_unsync()
}

impl Client {
    pub async fn new(address: SocketAddr) -> Self {
        Self::try_new(address).await.expect("the server accepts")
    }

    pub async fn try_new(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        Some(Self { sender, connection: tokio::spawn(connection) })
    }

    /// Closes the connection, and waits until it is closed.
    pub async fn close(self) {
        drop(self.sender);
        let _ = self.connection.await;
    }

    pub async fn post(&mut self, path: &str, body: Body) -> Answer {
        self.try_send("POST", path, body).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.try_send("GET", path, whole("")).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// An answer whose last byte has arrived, or the error of the connection.
    pub async fn try_send(&mut self, method: &str, path: &str, body: Body) -> Result<Answer, hyper::Error> {
        self.sender.ready().await?;
        let request = Request::builder().method(method).uri(path).header("host", "test").body(body).unwrap();
        let answer = self.sender.send_request(request).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.into_body().collect().await?.to_bytes().to_vec();
        Ok(Answer { status, headers, body })
    }
}

/// A connection on which anything may be sent.
pub struct Raw(pub TcpStream);

impl Raw {
    pub async fn new(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("the server accepts"))
    }

    /// Sends these bytes. The server may have closed by now.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// The head of a POST whose body has so many bytes.
    pub async fn begin(&mut self, path: &str, length: usize) {
        let head = format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
        self.0.write_all(head.as_bytes()).await.expect("the server listens");
    }

    /// All bytes until the server closes; without those that a reset has lost.
    pub async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = self.0.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Closes without a word: what is not yet read is lost.
    pub fn reset(self) {
        let _ = self.0.set_zero_linger();
    }
}
