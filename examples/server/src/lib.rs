//! A server whose contexts and buffers are pooled: axum on hyper and tokio.

pub mod pools;
pub mod prometheus;
