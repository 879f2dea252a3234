//! The paths.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;

use crate::codec::{Brotli, Gzip, Zstd};
use crate::compress::compress;
use crate::json::aggregate;
use crate::limits::Refusal;
use crate::{App, shutdown};

/// The answer of `GET /`.
const INDEX: &str = "\
POST /gzip     the body, compressed
POST /zstd
POST /brotli
POST /json     counts, sums and extremes of the fields of JSON lines
GET  /pools    every pool, live
GET  /metrics  the same for Prometheus
GET  /health   connections, and objects in use
";

/// All paths but those of the page of pools.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/", get(INDEX))
        .route("/health", get(health))
        .route("/gzip", post(compress::<Gzip>))
        .route("/zstd", post(compress::<Zstd>))
        .route("/brotli", post(compress::<Brotli>))
        .route("/json", post(aggregate))
        .fallback(async || Refusal::NotFound)
        .method_not_allowed_fallback(async || Refusal::Method)
        .with_state(app)
}

#[derive(Serialize)]
struct Health {
    /// Connections that are open, this one included.
    connections: usize,
    /// Objects that requests hold, over all pools. It is approximate while there are requests.
    in_use: usize,
}

async fn health(State(app): State<App>) -> Json<Health> {
    Json(Health { connections: app.connections.now(), in_use: shutdown::in_use() })
}
