//! The page of the pools, its events and its buttons, asked by programs. `tests/browser` opens it in a browser: `ci/browser.sh` runs that.

use std::future::pending;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use pool_runtime::{Guard, Pooled};
use serde_json::Value;
use server::pools::{Options, router};
use tokio::sync::{Mutex, oneshot};
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

const HOUR: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_secs(20);

/// Held by a test that presses a button or has objects: a collect is one of all pools, of the other tests' too.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A page that takes a sample when a button is pressed.
fn quiet() -> Options {
    Options { every: HOUR, ..Options::default() }
}

fn every(milliseconds: u64) -> Options {
    Options { every: Duration::from_millis(milliseconds), ..Options::default() }
}

async fn ask(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.unwrap()
}

fn request(method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8080");
    for &(name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn get(app: &Router, path: &str) -> Response<Body> {
    ask(app, request(Method::GET, path, &[], "")).await
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

fn header_of(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).unwrap_or_else(|| panic!("no `{name}` in {headers:?}")).to_str().unwrap().to_owned()
}

/// Between the first `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no `{before}` in {text}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no `{after}` in {rest}")).0
}

async fn token(app: &Router) -> String {
    between(&text(get(app, "/pools").await).await, "name=\"token\" value=\"", "\"").to_owned()
}

/// The headers of a form that the page sends.
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const HERE: (&str, &str) = ("origin", "http://127.0.0.1:8080");

async fn press(app: &Router, path: &str, headers: &[(&str, &str)], token: &str) -> (StatusCode, String) {
    let response = ask(app, request(Method::POST, path, headers, &format!("token={token}"))).await;
    (response.status(), text(response).await)
}

fn is_off() -> bool {
    pool_runtime::backend() == pool_runtime::Backend::Off
}

/// Events as they come.
struct Events {
    body: Body,
    rest: String,
}

struct Event {
    id: String,
    data: Value,
}

impl Events {
    async fn open(app: &Router, headers: &[(&str, &str)]) -> Self {
        let response = ask(app, request(Method::GET, "/pools/events", headers, "")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header_of(response.headers(), "content-type"), "text/event-stream");
        assert_eq!(header_of(response.headers(), "cache-control"), "no-store");
        Self { body: response.into_body(), rest: String::new() }
    }

    async fn chunk(&mut self) -> Option<Bytes> {
        let frame = timeout(SOON, self.body.frame()).await.expect("an event in time")?;
        Some(frame.unwrap().into_data().unwrap())
    }

    async fn next(&mut self) -> Option<Event> {
        while !self.rest.contains("\n\n") {
            let chunk = self.chunk().await?;
            self.rest += std::str::from_utf8(&chunk).unwrap();
        }
        let (event, rest) = self.rest.split_once("\n\n").unwrap();
        let lines: Vec<&str> = event.split('\n').collect();
        let [id, "event: sample", data] = lines[..] else { panic!("{event}") };
        let event = Event {
            id: id.strip_prefix("id: ").unwrap().to_owned(),
            data: serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap(),
        };
        self.rest = rest.to_owned();
        Some(event)
    }

    /// How many come without waiting.
    async fn at_hand(&mut self) -> usize {
        let mut events = 0;
        while timeout(Duration::ZERO, self.body.frame()).await.is_ok_and(|frame| {
            let data = frame.expect("no end").unwrap().into_data().unwrap();
            events += std::str::from_utf8(&data).unwrap().matches("\n\n").count();
            true
        }) {}
        events
    }
}

const GETS: [(&str, &str); 5] = [
    ("/pools", "text/html; charset=utf-8"),
    ("/pools/events", "text/event-stream"),
    ("/pools/page.css", "text/css; charset=utf-8"),
    ("/pools/page.js", "text/javascript; charset=utf-8"),
    ("/pools/icon.svg", "image/svg+xml"),
];

#[tokio::test]
async fn each_answer_has_its_type_and_nothing_is_from_outside() {
    let app = router(quiet());
    for (path, kind) in GETS {
        let response = get(&app, path).await;
        assert_eq!(
            (response.status(), header_of(response.headers(), "content-type")),
            (StatusCode::OK, kind.to_owned()),
            "{path}"
        );
        let policy = header_of(response.headers(), "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("//") && !policy.contains('*'), "{path}: {policy}");
        assert_eq!(header_of(response.headers(), "x-content-type-options"), "nosniff");
        if path != "/pools/events" {
            let text = text(response).await.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("://"), "{path}");
        }
        let refused = ask(&app, request(Method::PUT, path, &[], "")).await;
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    for path in ["/pools/", "/pools/page", "/pools/../Cargo.toml", "/pools/page.css/x"] {
        assert_eq!(get(&app, path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_head_has_the_headers_alone() {
    let app = router(Options { listeners: 1, ..quiet() });
    for (path, kind) in GETS {
        // The place of a listener is free again, too.
        for _ in 0..3 {
            let response = ask(&app, request(Method::HEAD, path, &[], "")).await;
            assert_eq!(
                (response.status(), header_of(response.headers(), "content-type")),
                (StatusCode::OK, kind.to_owned()),
                "{path}"
            );
            assert_eq!(text(response).await, "", "{path}");
        }
    }
}

/// The policy lets no style, script or handler in the page run.
#[tokio::test]
async fn all_that_the_page_names_is_there_and_it_has_no_code_inside() {
    let app = router(quiet());
    let page = text(get(&app, "/pools").await).await;
    for inside in ["style=", "<style", "<script>", "javascript:", " onclick", " onload", " onsubmit"] {
        assert!(!page.contains(inside), "`{inside}` in {page}");
    }
    let mut links = 0;
    for attribute in ["href=\"", "src=\"", "action=\""] {
        for rest in page.split(attribute).skip(1) {
            let path = format!("/{}", rest.split('"').next().unwrap());
            assert_ne!(get(&app, &path).await.status(), StatusCode::NOT_FOUND, "{path}");
            links += 1;
        }
    }
    assert_eq!(links, 5);
    // The script's own.
    assert!(text(get(&app, "/pools/page.js").await).await.contains("EventSource(\"pools/events\")"));
    for (label, id) in [("for=\"filter\"", "id=\"filter\""), ("aria-describedby=\"legend\"", "id=\"legend\"")] {
        assert!(page.contains(label) && page.contains(id), "{label}");
    }
}

#[tokio::test]
async fn a_browser_keeps_the_parts_and_not_the_page() {
    let app = router(quiet());
    assert_eq!(header_of(get(&app, "/pools").await.headers(), "cache-control"), "no-store");
    for (path, _) in &GETS[2..] {
        let first = get(&app, path).await;
        assert_eq!(header_of(first.headers(), "cache-control"), "no-cache", "{path}");
        let tag = header_of(first.headers(), "etag");
        for tags in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}")] {
            let again = ask(&app, request(Method::GET, path, &[("if-none-match", &tags)], "")).await;
            assert_eq!(
                (again.status(), header_of(again.headers(), "etag")),
                (StatusCode::NOT_MODIFIED, tag.clone()),
                "{path}"
            );
            assert_eq!(text(again).await, "", "{path}");
        }
        let other = ask(&app, request(Method::GET, path, &[("if-none-match", "\"other\"")], "")).await;
        assert_eq!(other.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn without_javascript_the_page_is_a_table() {
    let _alone = ALONE.lock().await;
    #[derive(Default, Pooled)]
    #[pooled(name = "Buf<&'static [u8]>", max_idle = 4096, weigh = |_| 1000)]
    struct Buf(u8);

    let mut held: Vec<Guard<Buf>> = (0..1500).map(|_| Buf::acquire()).collect();
    held.truncate(1300);
    Buf::pool().age();
    let idle = Buf::pool().idle();
    assert_eq!(idle, if is_off() { 0 } else { 200 });
    let app = router(quiet());
    let page = text(get(&app, "/pools").await).await;
    let row = between(&page, "<bdi>Buf&lt;&amp;&#39;static [u8]&gt;</bdi>", "</tr>");
    for (of, value) in [
        ("in_use", "1300\">1,300".to_owned()),
        ("idle", format!("{idle}\">{idle}")),
        ("victims", format!("{idle}\">{idle}")),
    ] {
        assert!(
            between(row, &format!("data-of=\"{of}\""), "</data>").ends_with(&format!("value=\"{value}")),
            "{of} in {row}"
        );
    }
    assert!(row.contains(">4,096<"), "{row}");
    if !is_off() {
        assert!(row.contains(">195.3 KiB<"), "{row}");
    }
    // A form without a script.
    assert_eq!(page.matches("<form method=\"post\"").count(), 2);
    drop(held);
}

#[tokio::test]
async fn a_button_works_on_the_page_alone_and_a_refusal_says_why() {
    let _alone = ALONE.lock().await;
    let app = router(quiet());
    let token = token(&app).await;
    assert_eq!(token.len(), 32);
    for path in ["/pools/age", "/pools/collect"] {
        for (headers, token, why) in [
            (&[FORM, HERE][..], "", "`token` is missing"),
            (&[FORM, HERE], "0123456789abcdef0123456789abcdef", "not of this process"),
            (&[FORM, ("origin", "http://other.example")], &token, "of another origin"),
            (&[FORM, ("origin", "null")], &token, "of another origin"),
            (&[FORM, HERE, ("sec-fetch-site", "cross-site")], &token, "of another origin"),
            (&[FORM, HERE, ("sec-fetch-site", "same-site")], &token, "of another origin"),
            (&[FORM], &token, "neither `Origin` nor `Sec-Fetch-Site`"),
        ] {
            let (status, said) = press(&app, path, headers, token).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path} {headers:?}");
            assert!(said.contains(why), "{path} {headers:?}: {said}");
        }
        let other_host = Request::post(path).header("host", "other.example").header("origin", "http://other.example");
        let other_host = other_host.header(FORM.0, FORM.1).body(Body::from(format!("token={token}"))).unwrap();
        let refused = ask(&app, other_host).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert!(text(refused).await.contains("`Options::hosts`"));

        assert_eq!(press(&app, path, &[HERE], &token).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(press(&app, path, &[FORM, HERE], &"0".repeat(2000)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(get(&app, path).await.status(), StatusCode::METHOD_NOT_ALLOWED);

        let done = ask(&app, request(Method::POST, path, &[FORM, HERE], &format!("token={token}"))).await;
        assert_eq!(
            (done.status(), header_of(done.headers(), "location")),
            (StatusCode::SEE_OTHER, "../pools".to_owned())
        );
        let by_fetch = [FORM, ("sec-fetch-site", "same-origin"), ("accept", "application/json")];
        let (status, said) = press(&app, path, &by_fetch, &token).await;
        assert_eq!(status, StatusCode::OK);
        assert!(serde_json::from_str::<Value>(&said).unwrap()["dropped"].is_u64(), "{said}");
    }
    // Another page's token is another's.
    assert_eq!(press(&router(quiet()), "/pools/age", &[FORM, HERE], &token).await.0, StatusCode::FORBIDDEN);
}

/// Without the refusal, another site's page could take all places.
#[tokio::test]
async fn another_sites_page_gets_no_events() {
    let app = router(quiet());
    for headers in [("sec-fetch-site", "cross-site"), ("origin", "http://other.example")] {
        let response = ask(&app, request(Method::GET, "/pools/events", &[headers], "")).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{headers:?}");
    }
    Events::open(&app, &[("sec-fetch-site", "same-origin"), HERE]).await;
}

#[tokio::test]
async fn collect_is_seen_at_once() {
    #[derive(Default, Pooled)]
    #[pooled(name = "collected at once", local = 0)]
    struct Buf(u8);

    if is_off() {
        return println!("skipped: nothing is idle with `POOL_BACKEND=off`");
    }
    let _alone = ALONE.lock().await;
    drop((0..40).map(|_| Buf::acquire()).collect::<Vec<_>>());
    let app = router(quiet());
    let mut events = Events::open(&app, &[]).await;
    let row = |event: &Event| event.data["pools"]["collected at once"].clone();
    let before = events.next().await.unwrap();
    assert_eq!(row(&before)["idle"], 40, "{}", before.data);
    let (status, _) = press(&app, "/pools/collect", &[FORM, HERE], &token(&app).await).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let after = events.next().await.expect("before the hour is over");
    assert_eq!((row(&after).get("idle"), row(&after)["why"]["collect"].as_u64()), (None, Some(40)), "{}", after.data);
    assert!(after.data["at"].as_u64() >= before.data["at"].as_u64());
}

#[tokio::test]
async fn a_panic_of_a_drop_is_an_answer() {
    #[derive(Default, Pooled)]
    #[pooled(name = "bomb")]
    struct Bomb(u8);
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a drop panics, as it should in this test");
        }
    }

    if is_off() {
        return println!("skipped: nothing is idle with `POOL_BACKEND=off`");
    }
    let _alone = ALONE.lock().await;
    let app = router(quiet());
    let token = token(&app).await;
    drop(Bomb::acquire());
    let (status, said) = press(&app, "/pools/collect", &[FORM, HERE], &token).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(said.contains("panicked while it was dropped"), "{said}");
    assert_eq!(press(&app, "/pools/collect", &[FORM, HERE], &token).await.0, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_listener_goes_on_after_its_last_event() {
    let app = router(every(2));
    let mut events = Events::open(&app, &[]).await;
    let mut ids = Vec::new();
    for _ in 0..30 {
        ids.push(events.next().await.unwrap().id);
    }
    let number = |id: &str| id.rsplit_once('-').unwrap().1.parse::<u64>().unwrap();
    assert!(ids.windows(2).all(|two| number(&two[1]) == number(&two[0]) + 1), "none is missed or sent twice: {ids:?}");

    let mut again = Events::open(&app, &[("last-event-id", &ids[19])]).await;
    assert_eq!(again.next().await.unwrap().id, ids[20]);
    // A page of another process, and nonsense, get all.
    for id in ["0123-7", "", "-", "18446744073709551616", "\t"] {
        let mut other = Events::open(&app, &[("last-event-id", id)]).await;
        assert_eq!(other.next().await.unwrap().id, ids[0], "{id}");
    }
    let run = ids[0].rsplit_once('-').unwrap().0;
    let mut ahead = Events::open(&app, &[("last-event-id", &format!("{run}-18446744073709551615"))]).await;
    ahead.next().await.unwrap();
}

#[tokio::test]
async fn all_listeners_get_the_same_event() {
    let app = router(every(5));
    let (mut one, mut other) = (Events::open(&app, &[]).await, Events::open(&app, &[]).await);
    // What is kept at the beginning is each one's own.
    one.chunk().await.unwrap();
    other.chunk().await.unwrap();
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        ones.push(one.chunk().await.unwrap());
        others.push(other.chunk().await.unwrap());
    }
    assert!(
        ones.iter().any(|one| others.iter().any(|other| one == other && one.as_ptr() == other.as_ptr())),
        "the bytes are shared"
    );
}

#[tokio::test]
async fn the_last_minutes_are_kept_and_no_more() {
    let app = router(Options { keep: Duration::from_millis(50), ..every(1) });
    for _ in 0..5 {
        sleep(Duration::from_millis(60)).await;
        let events = Events::open(&app, &[]).await.at_hand().await;
        assert!((1..=70).contains(&events), "{events} events of 50 ms, one a ms");
    }
}

/// The memory of a page that is left open by a browser that sleeps.
#[tokio::test]
async fn a_listener_that_does_not_read_costs_no_memory() {
    let app = router(Options { keep: Duration::from_millis(1), ..every(1) });
    let mut slow = Events::open(&app, &[]).await;
    sleep(Duration::from_millis(300)).await;
    let events = slow.at_hand().await;
    assert!((2..=2 + 16 + 2).contains(&events), "{events}: those that were kept, and 16 at the most");
    slow.next().await.expect("it goes on");
}

#[tokio::test]
async fn so_many_pages_may_be_open_and_no_more() {
    let app = router(Options { listeners: 2, ..quiet() });
    let (one, _two) = (Events::open(&app, &[]).await, Events::open(&app, &[]).await);
    let refused = get(&app, "/pools/events").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header_of(refused.headers(), "retry-after"), "10");
    assert!(text(refused).await.starts_with("2 pages are open"));
    drop(one);
    Events::open(&app, &[]).await;
}

/// A socket of its own for the page, and its end.
async fn serve(
    options: Options,
    end: impl Future<Output = ()> + Send + 'static,
) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        axum::serve(listener, router(options)).with_graceful_shutdown(end).await.unwrap();
    });
    (address, served)
}

/// Opens the page's events on a socket, and returns the status line and the stream.
async fn open_on(address: std::net::SocketAddr) -> (String, tokio::net::TcpStream) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET /pools/events HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = vec![0; 12];
    timeout(SOON, stream.read_exact(&mut read)).await.expect("an answer in time").unwrap();
    (String::from_utf8(read).unwrap(), stream)
}

#[tokio::test]
async fn a_page_that_is_closed_gives_its_place_back() {
    let (address, served) = serve(Options { listeners: 1, ..every(20) }, pending()).await;
    let (status, open) = open_on(address).await;
    assert_eq!(status, "HTTP/1.1 200");
    assert_eq!(open_on(address).await.0, "HTTP/1.1 503");
    drop(open);
    let start = Instant::now();
    while open_on(address).await.0 != "HTTP/1.1 200" {
        assert!(start.elapsed() < SOON, "its place is not free");
        sleep(Duration::from_millis(10)).await;
    }
    served.abort();
}

/// The streams have no end of their own.
#[tokio::test]
async fn a_shutdown_does_not_wait_for_open_pages() {
    let (stop, stopped) = oneshot::channel::<()>();
    let (close, closed) = oneshot::channel::<()>();
    let until = async { stopped.await.unwrap_or_default() };
    let options = Options { until: Box::pin(until), ..every(20) };
    let (address, served) = serve(options, async { closed.await.unwrap_or_default() }).await;
    let (_, mut stream) = open_on(address).await;
    stop.send(()).unwrap();
    close.send(()).unwrap();
    timeout(SOON, served).await.expect("the server ends").unwrap();
    let mut rest = Vec::new();
    timeout(SOON, tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest))
        .await
        .expect("the stream ends")
        .unwrap();
    assert!(rest.ends_with(b"\r\n0\r\n\r\n"), "with its last chunk: {}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn after_the_end_there_are_no_events() {
    let app = router(Options { until: Box::pin(async {}), ..quiet() });
    let start = Instant::now();
    loop {
        let response = get(&app, "/pools/events").await;
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(text(response).await, "the server is being stopped");
            break;
        }
        assert!(start.elapsed() < SOON);
        tokio::task::yield_now().await;
    }
    assert_eq!(get(&app, "/pools").await.status(), StatusCode::OK, "its last numbers are there");
}

#[tokio::test]
async fn another_program_takes_the_router_where_it_wants() {
    let app = Router::new().nest("/admin", router(quiet())).route("/", axum::routing::get(async || "mine"));
    for (path, kind) in GETS {
        let response = get(&app, &format!("/admin{path}")).await;
        assert_eq!(
            (response.status(), header_of(response.headers(), "content-type")),
            (StatusCode::OK, kind.to_owned()),
            "{path}"
        );
    }
    let mine = get(&app, "/").await;
    assert!(mine.headers().get(header::CONTENT_SECURITY_POLICY).is_none(), "what is not the page's is left alone");
}

/// The tests in a browser are built with the feature `browser` alone, so that all others need no browser.
#[test]
fn the_tests_in_a_browser_are_run_by_ci_browser_sh() {
    let (script, run) = (include_str!("../../../ci/browser.sh"), include_str!("../../../.ci/run"));
    assert!(script.contains(" -p server --features browser --test browser "), "{script}");
    assert!(run.lines().any(|line| line.trim() == "step ci/browser.sh"), "{run}");
    println!("the page in a browser: ci/browser.sh");
}
