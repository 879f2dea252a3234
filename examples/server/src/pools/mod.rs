//! `GET /pools`: a page that shows every pool of the process live.
//!
//! A router of its own, which another program takes over by copying this folder: it uses no other part of this server.
//! Its crates are axum (features `form`, `json`, `tokio`), futures-util, getrandom, pool-runtime, serde, serde_json, subtle and tokio (`rt`, `sync`, `time`).
//!
//! | route | |
//! |---|---|
//! | `GET /pools` | the page, with a table of the pools at this moment, so that it says something without JavaScript, too |
//! | `GET /pools/events` | server-sent events: the samples of the last minutes, then each further one |
//! | `POST /pools/age`, `POST /pools/collect` | the page's buttons; from the page alone |
//! | `GET /pools/page.css`, `/pools/page.js`, `/pools/icon.svg` | the parts of the page |
//!
//! The page's links are relative, so the router can be nested in another path.

mod asset;
mod origin;
mod page;
mod sample;
mod sampler;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use pool_runtime::registry;
use pool_runtime::stats::Stats;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::task;

use crate::pools::origin::Origin;
use crate::pools::sampler::Sampler;

/// What the page shows, and to whom.
pub struct Options {
    /// The time between two samples.
    pub every: Duration,
    /// The samples of this time are kept, for the charts of a page that is opened later. If there are many pools, it is less: 50,000 rows, of all
    /// pools and samples together, are kept at the most, in 24 MB.
    pub keep: Duration,
    /// How many pages may be open. One more is told that there are too many.
    pub listeners: usize,
    /// Names of this host from which the buttons can be pressed, beside `localhost` and any address: those that a browser shows in front of the port.
    /// A name that is not here may be another site's that leads to this address.
    pub hosts: Vec<String>,
    /// When it is ready, the streams of events end, so that a graceful shutdown does not wait for the open pages.
    pub until: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Default for Options {
    /// A sample a second, five minutes, 16 pages, no names, and no end.
    fn default() -> Self {
        Self {
            every: Duration::from_secs(1),
            keep: Duration::from_secs(300),
            listeners: 16,
            hosts: Vec::new(),
            until: Box::pin(std::future::pending()),
        }
    }
}

/// The routes of the page.
///
/// One task takes the samples, for all pages together. It ends when the router is gone, or when [`Options::until`] is ready.
///
/// # Panics
///
/// Outside of a runtime of tokio, or if the system has no random numbers.
pub fn router(options: Options) -> Router {
    let pools = Arc::new(Pools {
        origin: Origin::new(options.hosts),
        sampler: Sampler::start(options.every, options.keep, options.listeners, options.until),
        pressed: Mutex::new(()),
    });
    Router::new()
        .route("/pools", get(page))
        .route("/pools/events", get(events))
        .route("/pools/age", post(age))
        .route("/pools/collect", post(collect))
        .route("/pools/page.css", get(asset::css))
        .route("/pools/page.js", get(asset::js))
        .route("/pools/icon.svg", get(asset::icon))
        // A token is short.
        .route_layer(DefaultBodyLimit::max(1024))
        .route_layer(middleware::map_response(guarded))
        .with_state(pools)
}

struct Pools {
    origin: Origin,
    sampler: Sampler,
    /// Held by the button that is at work: a second one waits, without a thread.
    pressed: Mutex<()>,
}

/// Nothing from outside, no frame around the page, and no guess at a type.
const GUARDS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    // With `no-referrer` a browser would send the origin `null` with a form.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

async fn guarded(mut response: Response) -> Response {
    for (name, value) in GUARDS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    // The page has the token, and all else but its parts is of this moment.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn page(State(pools): State<Arc<Pools>>) -> Html<String> {
    Html(page::render(&pools.sampler, pools.origin.token()))
}

async fn events(State(pools): State<Arc<Pools>>, headers: HeaderMap, uri: Uri) -> Result<Response, Response> {
    // Another site's page could take all places.
    pools.origin.check_reader(&headers, &uri).map_err(IntoResponse::into_response)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let listener = pools.sampler.listen(last).map_err(IntoResponse::into_response)?;
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        // nginx would hold the events back until it has a few KiB.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, listener.into_body()).into_response())
}

#[derive(Deserialize)]
struct Press {
    #[serde(default)]
    token: String,
}

type Pressed = Result<Form<Press>, FormRejection>;

async fn age(pools: State<Arc<Pools>>, headers: HeaderMap, uri: Uri, form: Pressed) -> Result<Response, Response> {
    press(pools, headers, uri, form, pool_runtime::age, |stats| stats.dropped.age).await
}

async fn collect(pools: State<Arc<Pools>>, headers: HeaderMap, uri: Uri, form: Pressed) -> Result<Response, Response> {
    press(pools, headers, uri, form, pool_runtime::collect, |stats| stats.dropped.collect).await
}

/// Does what a button says, and answers a form with the page and a script with the number of objects that were dropped meanwhile.
async fn press(
    State(pools): State<Arc<Pools>>,
    headers: HeaderMap,
    uri: Uri,
    form: Pressed,
    sweep: fn(),
    dropped: fn(&Stats) -> u64,
) -> Result<Response, Response> {
    pools.origin.check_writer(&headers, &uri).map_err(IntoResponse::into_response)?;
    let Form(Press { token }) = form.map_err(IntoResponse::into_response)?;
    pools.origin.check_token(&token).map_err(IntoResponse::into_response)?;

    let one_at_a_time = pools.pressed.lock().await;
    let count = move || registry::stats().iter().map(dropped).sum::<u64>();
    // The `Drop` of an object is the program's code, and may take its time.
    let swept = task::spawn_blocking(move || {
        let before = count();
        sweep();
        count() - before
    });
    let swept = swept.await;
    drop(one_at_a_time);
    pools.sampler.take_one_now();
    let Ok(objects) = swept else {
        return Err((
            StatusCode::INTERNAL_SERVER_ERROR,
            "an object panicked while it was dropped; all the others were dropped",
        )
            .into_response());
    };
    let by_script = headers.get(header::ACCEPT).is_some_and(|accept| accept == "application/json");
    Ok(if by_script {
        Json(json!({ "dropped": objects })).into_response()
    } else {
        (StatusCode::SEE_OTHER, [(header::LOCATION, "../pools")]).into_response()
    })
}
