//! A server whose contexts, buffers and scratch are pooled: axum on hyper and tokio.
//!
//! `main.rs` beside this crate is the program; `GET /` lists the paths.

mod buffer;
mod codec;
mod compress;
mod connections;
mod json;
mod limits;
mod link;
pub mod options;
pub mod pools;
pub mod prometheus;
mod routes;
pub mod shutdown;
mod store;

pub use connections::Server;
pub use limits::Limits;
pub use store::Store;

use connections::Count;

/// What every request is given.
#[derive(Clone)]
struct App {
    store: Store,
    limits: Limits,
    connections: Count,
}
