//! `POST /gzip`, `/zstd` and `/brotli`: a body comes in and leaves compressed, a piece at a time, in pooled buffers.
//!
//! A request holds one context and one buffer, whatever the size of its body, and hyper the buffer before while it is sent. All
//! of them cross `.await`, and so threads.
//!
//! The work is done on the threads of the runtime, [`SLICE`] bytes at a time with a look at the other tasks between. A slice
//! takes less than a millisecond. There is a thread for each CPU, so a thread of its own for the work would only compete with them,
//! and cost two switches for a page that takes 30 µs.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use bytes::{Buf, Bytes};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::task;

use crate::App;
use crate::buffer::{self, Buffer};
use crate::codec::Codec;
use crate::limits::{Refusal, Upload};
use crate::store::{Held, Store};

/// Bytes that a task compresses or parses before other tasks have their turn.
pub(crate) const SLICE: usize = 16 << 10;

/// Answers with the body, compressed.
pub(crate) async fn compress<C: Codec>(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let upload = Upload::new(app.limits, &headers, body)?;
    let mut work = Compression::<C> { store: app.store, upload, input: Bytes::new(), is_last: false, context: None };
    // With the first piece the answer begins: before that, a fault has a status.
    let first = work.next().await?.unwrap_or_default();
    let body = if work.is_done() {
        Body::from(first)
    } else {
        let rest =
            stream::try_unfold(work, |mut work| async move { Ok(work.next().await?.map(|piece| (piece, work))) });
        Body::from_stream(stream::iter([Ok::<_, Refusal>(first)]).chain(rest.into_stream()))
    };
    let headers: [(HeaderName, &str); 3] =
        [(CONTENT_ENCODING, C::ENCODING), (CONTENT_TYPE, "application/octet-stream"), (VARY, "accept-encoding")];
    Ok((headers, body).into_response())
}

/// A body on its way through a compressor.
struct Compression<C: Codec> {
    store: Store,
    upload: Upload,
    /// Bytes that have arrived, and are yet to be compressed.
    input: Bytes,
    /// Whether no more will arrive.
    is_last: bool,
    /// From the first byte to the last: a client that has sent a head alone holds none.
    context: Option<Held<C>>,
}

impl<C: Codec> Compression<C> {
    fn is_done(&self) -> bool {
        self.is_last && self.context.is_none()
    }

    /// The next piece of the answer; `None` at its end.
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        if self.is_done() {
            return Ok(None);
        }
        let mut buffer: Option<Held<Buffer>> = None;
        loop {
            if self.input.is_empty() && !self.is_last {
                match self.upload.next().await? {
                    Some(bytes) => self.input = bytes,
                    None => self.is_last = true,
                }
            }
            let context = self.context.get_or_insert_with(|| self.store.acquire());
            let output = buffer.get_or_insert_with(|| self.store.acquire());
            let slice = &self.input[..self.input.len().min(SLICE)];
            let step = context.step(slice, self.is_last && slice.len() == self.input.len(), &mut output.bytes);
            self.input.advance(step.read);
            if step.is_done {
                self.context = None;
            }
            if step.is_done || output.is_full() {
                return Ok(buffer.map(buffer::into_bytes));
            }
            if !self.input.is_empty() {
                task::yield_now().await;
            }
        }
    }
}
