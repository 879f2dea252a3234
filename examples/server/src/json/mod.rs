//! `POST /json`: lines of JSON come in, and the counts, sums and extremes of their fields go out.
//!
//! A line is an object. Its numbers are added up by their names; other values are counted. Lines are parsed as they arrive; a line
//! that is cut by the edge of a piece waits in the scratch for its rest.

mod scratch;

use std::io::Write;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tokio::task;

use crate::App;
use crate::buffer::{self, Buffer};
use crate::compress::SLICE;
use crate::limits::{Refusal, Upload};
use crate::store::Held;

pub(crate) use scratch::Scratch;

/// Answers with the sums of all lines.
pub(crate) async fn aggregate(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    let mut upload = Upload::new(app.limits, &headers, body)?;
    let mut scratch: Option<Held<Scratch>> = None;
    while let Some(bytes) = upload.next().await? {
        // From the first byte on: a client that has sent a head alone holds none.
        let scratch = scratch.get_or_insert_with(|| app.store.acquire());
        for (number, slice) in bytes.chunks(SLICE).enumerate() {
            if number > 0 {
                task::yield_now().await;
            }
            scratch.read(slice, app.limits.line).map_err(Refusal::Malformed)?;
        }
    }
    let mut scratch = scratch.unwrap_or_else(|| app.store.acquire());
    scratch.end().map_err(Refusal::Malformed)?;
    let mut answer: Held<Buffer> = app.store.acquire();
    serde_json::to_writer(&mut answer.bytes, &*scratch).expect("memory takes all");
    answer.bytes.write_all(b"\n").expect("memory takes all");
    Ok(([(CONTENT_TYPE, "application/json")], Body::from(buffer::into_bytes(answer))).into_response())
}
