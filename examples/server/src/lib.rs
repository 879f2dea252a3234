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
mod options;
pub mod pools;
mod program;
pub mod prometheus;
mod replay;
mod routes;
mod shutdown;
mod store;

pub use program::main;

use connections::Count;
use limits::Limits;
use store::Store;

/// What every request is given.
#[derive(Clone)]
struct App {
    store: Store,
    limits: Limits,
    connections: Count,
}
