//! The parts of the page, which are in the program. A browser asks each time whether it has them still, and gets them again after an update.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(super) async fn css(headers: HeaderMap) -> Response {
    answer(&headers, "text/css; charset=utf-8", include_str!("page.css"))
}

pub(super) async fn js(headers: HeaderMap) -> Response {
    answer(&headers, "text/javascript; charset=utf-8", include_str!("page.js"))
}

pub(super) async fn icon(headers: HeaderMap) -> Response {
    answer(&headers, "image/svg+xml", include_str!("icon.svg"))
}

fn answer(headers: &HeaderMap, kind: &'static str, content: &'static str) -> Response {
    // `new` has the same keys in each process, so that a restart changes no tag.
    let mut hash = DefaultHasher::new();
    content.hash(&mut hash);
    let tag = format!("\"{:016x}\"", hash.finish());
    let has_it =
        headers.get_all(header::IF_NONE_MATCH).iter().any(|tags| tags.to_str().is_ok_and(|tags| tags.contains(&tag)));
    let caching = [(header::CACHE_CONTROL, "no-cache".to_owned()), (header::ETAG, tag)];
    if has_it {
        (StatusCode::NOT_MODIFIED, caching).into_response()
    } else {
        (caching, [(header::CONTENT_TYPE, kind)], content).into_response()
    }
}
