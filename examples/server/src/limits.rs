//! The limits of a request, and the refusals that say which was passed.
//!
//! A body may have so many bytes, its sender may pause for so long, and the request may take so long. A fault that is found
//! before the answer has begun has a status of its own; after that the connection is cut, so no client takes half an answer for
//! a whole one.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

/// The limits of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most bytes of a body.
    pub(crate) body: u64,
    /// The most bytes of a line of JSON.
    pub(crate) line: usize,
    /// The longest pause of a client that sends or receives.
    pub(crate) stall: Duration,
    /// The longest time until a body has arrived.
    pub(crate) time: Duration,
    /// The most connections.
    pub(crate) connections: usize,
}

/// A request that is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The body is larger than this.
    TooLarge(u64),
    /// The body did not arrive in time.
    TooSlow,
    /// The body cannot be used.
    Malformed(String),
    /// The body has an encoding.
    Encoded(String),
    /// The path is not served.
    NotFound,
    /// The path is not served by this method.
    Method,
    /// All connections are in use.
    Busy,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Encoded(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit) => write!(f, "the body is larger than {limit} bytes: send it in parts"),
            Self::TooSlow => f.write_str("the body did not arrive in time: send it faster, or in parts"),
            Self::Malformed(fault) => f.write_str(fault),
            Self::Encoded(encoding) => write!(f, "the body is encoded as `{encoding}`: send it as it is"),
            Self::NotFound => f.write_str("no such path: `GET /` lists them"),
            Self::Method => f.write_str("the path is not served by this method: `GET /` lists them"),
            Self::Busy => f.write_str("all connections are in use: try again in a second"),
        }
    }
}

impl Error for Refusal {}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut answer = (self.status(), format!("{self}\n")).into_response();
        if matches!(self, Self::Busy) {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}

/// The body of a request, within the limits.
pub(crate) struct Upload {
    body: Body,
    /// Bytes that may still come.
    left: u64,
    limits: Limits,
    end: Instant,
}

impl Upload {
    /// Refuses a body that is too large by its own word, or encoded.
    pub(crate) fn new(limits: Limits, headers: &HeaderMap, body: Body) -> Result<Self, Refusal> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let encoding = text(CONTENT_ENCODING);
        if !matches!(encoding, "" | "identity") {
            return Err(Refusal::Encoded(encoding.to_owned()));
        }
        if text(CONTENT_LENGTH).parse().is_ok_and(|length: u64| length > limits.body) {
            return Err(Refusal::TooLarge(limits.body));
        }
        Ok(Self { body, left: limits.body, limits, end: Instant::now() + limits.time })
    }

    /// The next bytes, as they arrive; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            let end = self.end.min(Instant::now() + self.limits.stall);
            let frame = match timeout_at(end, self.body.frame()).await {
                Err(_) => return Err(Refusal::TooSlow),
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => frame.map_err(|error| Refusal::Malformed(unreadable(&error)))?,
            };
            // Trailers say nothing here.
            let Ok(bytes) = frame.into_data() else { continue };
            self.left = self.left.checked_sub(bytes.len() as u64).ok_or(Refusal::TooLarge(self.limits.body))?;
            return Ok(Some(bytes));
        }
    }
}

/// The innermost reason, which is the one that tells.
fn unreadable(error: &axum::Error) -> String {
    let mut reason: &dyn Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    format!("the body cannot be read: {reason}")
}
