//! `GET /metrics`, and the dashboard that shows its series.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use pool_runtime::{Guard, Pooled};
use serde_json::Value;
use server::prometheus;
use tower::ServiceExt as _;

const DASHBOARD: &str = include_str!("../grafana.json");

/// Where the series have their names.
const PUBLISHED: &str = include_str!("../../../pool-runtime/src/collector/metrics.rs");

/// Series that the dashboard does not show, and why.
const LEFT_OUT: [(&str, &str); 2] = [
    ("pool_acquires_total", "published with the feature `hits` alone, which costs each acquire an atomic addition"),
    ("pool_hits_total", "the same"),
];

/// The names that end as those of series do, in quotes in the source.
fn published() -> BTreeSet<String> {
    let constants = PUBLISHED.split("pub fn publish_metrics").next().unwrap();
    let words = constants
        .split('"')
        .filter(|word| word.chars().all(|character| character.is_ascii_lowercase() || character == '_'));
    let series = words.filter(|word| ["_objects", "_bytes", "_total"].iter().any(|end| word.ends_with(end)));
    series.map(|word| format!("pool_{word}")).collect()
}

fn dashboard() -> Value {
    serde_json::from_str(DASHBOARD).expect("it is JSON")
}

/// Every text at the key `key`, however deep.
fn texts(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == key => found.push(text.clone()),
                    _ => texts(value, key, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, key, found)),
        _ => {}
    }
}

/// The queries of the panels and of the variables.
fn queries() -> Vec<String> {
    let mut found = Vec::new();
    for key in ["expr", "query", "definition"] {
        texts(&dashboard(), key, &mut found);
    }
    found
}

fn shown() -> BTreeSet<String> {
    let queries = queries();
    let words = queries
        .iter()
        .flat_map(|query| query.split(|character: char| !character.is_ascii_alphanumeric() && character != '_'));
    words.filter(|word| word.starts_with("pool_")).map(str::to_owned).collect()
}

/// Whatever a scrape says: the names of series, with those of their labels.
async fn scraped() -> BTreeMap<String, BTreeSet<String>> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let app = prometheus::router(recorder.handle());
    // The recorder of this thread, which is the runtime's only one.
    let _local = metrics::set_default_local_recorder(&recorder);
    let response = app.oneshot(Request::get("/metrics").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap();
    let mut series: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, rest) = line.split_once('{').expect("each series has the label `version`");
        let (labels, value) = rest.rsplit_once("} ").expect("labels and a value");
        value.parse::<f64>().expect("the value is a number");
        let names = labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name.to_owned());
        series.entry(name.to_owned()).or_default().extend(names);
    }
    series
}

#[tokio::test]
async fn a_scrape_has_the_pools_of_this_moment() {
    #[derive(Default, Pooled)]
    #[pooled(name = "scraped \"<b>\"\\", weigh = |_| 7)]
    struct Buf(u8);

    let held = (Buf::acquire(), Buf::adopt(Buf(1)));
    Guard::discard(Buf::acquire());
    let series = scraped().await;
    for name in
        ["pool_in_use_objects", "pool_created_objects_total", "pool_adopted_objects_total", "pool_max_idle_objects"]
    {
        assert!(series.get(name).is_some_and(|labels| labels.contains("pool")), "{name} in {series:?}");
    }
    assert!(series["pool_dropped_objects_total"].contains("reason"));
    let source = published();
    assert!(series.keys().all(|name| source.contains(name)), "{series:?} are not all in {source:?}");
    drop(held);
}

#[test]
fn the_dashboard_and_the_published_series_agree() {
    let (published, shown) = (published(), shown());
    assert!(published.len() > 15, "the source has its names elsewhere: {published:?}");
    let unknown: Vec<_> = shown.difference(&published).collect();
    assert!(unknown.is_empty(), "the dashboard asks for series that are not published: {unknown:?}");
    let left_out: BTreeSet<_> = LEFT_OUT.iter().map(|&(name, _)| name.to_owned()).collect();
    let missing: Vec<_> = published.difference(&shown).filter(|name| !left_out.contains(*name)).collect();
    assert!(missing.is_empty(), "the dashboard does not show {missing:?}; show them, or say in `LEFT_OUT` why not");
    let needless: Vec<_> = left_out.iter().filter(|name| shown.contains(*name) || !published.contains(*name)).collect();
    assert!(needless.is_empty(), "`LEFT_OUT` has {needless:?}, which the dashboard shows, or which are not published");
}

#[test]
fn the_dashboard_groups_by_labels_that_the_series_have() {
    for query in queries().iter().filter(|query| query.contains("sum")) {
        let labels = query.split_once("by (").map_or("", |(_, rest)| rest.split(')').next().unwrap());
        for label in labels.split(", ").filter(|label| !label.is_empty()) {
            let has_it = match label {
                "pool" => !query.contains("pool_collector_"),
                "reason" => query.contains("pool_dropped_objects_total"),
                "level" => query.contains("pool_collector_steps_total"),
                _ => false,
            };
            assert!(has_it, "`{label}` in {query}");
        }
        assert_eq!(
            query.contains("_total"),
            query.contains("rate("),
            "a counter, and nothing else, has a rate: {query}"
        );
    }
}

#[test]
fn the_dashboard_is_for_any_data_source_and_its_panels_do_not_overlap() {
    let dashboard = dashboard();
    let mut sources = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        texts(panel, "uid", &mut sources);
    }
    assert!(sources.len() > 9 && sources.iter().all(|uid| uid == "${datasource}"), "{sources:?}");
    assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");

    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(!panel["title"].as_str().unwrap().is_empty() && !panel["description"].as_str().unwrap().is_empty());
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|of| panel["gridPos"][of].as_u64().unwrap());
        assert!(x + w <= 24, "{panel}");
        for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(place), "{}", panel["title"]);
        }
    }
}
