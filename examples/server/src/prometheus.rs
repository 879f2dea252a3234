//! `GET /metrics`: the statistics of all pools, and all else that the program tells the `metrics` facade, as Prometheus reads them.
//!
//! `grafana.json`, beside the sources, is a dashboard for these series.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

/// The route `GET /metrics`, which reads the recorder of the handle. That is the program's recorder, by `PrometheusBuilder::install_recorder`.
///
/// The statistics of the pools are told to the recorder at each request, so they are of this moment.
pub fn router(recorder: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(async move || scrape(&recorder)))
}

fn scrape(recorder: &PrometheusHandle) -> impl IntoResponse + use<> {
    pool_runtime::publish_metrics();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder.render())
}
