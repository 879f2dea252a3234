//! The page that shows every pool live, as a router that another program can take over.

use axum::Router;

/// What the page may do.
#[derive(Clone, Debug, Default)]
pub struct Options {}

/// `GET /pools`, its events and its buttons.
pub fn router(_options: Options) -> Router {
    Router::new()
}
