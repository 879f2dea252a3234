//! A browser, by the protocol of WebDriver: JSON over HTTP to ChromeDriver, which starts Chromium.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// The longest time of a command, and of a wait for a page to change.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Without these Chromium asks hosts of its maker, and its sandbox is not for root.
const SWITCHES: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-component-update",
    "--disable-background-networking",
    "--no-first-run",
    "--window-size=1280,800",
];

pub(crate) struct Browser {
    driver: Driver,
    session: String,
    _profile: TempDir,
}

/// ChromeDriver, with all that it has started in its group.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start() -> Self {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start `chromedriver`, which ci/browser.sh installs: {error}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut driver = Self { child, port: 0 };
        for line in lines {
            if let Some((_, port)) = line.unwrap().split_once("started successfully on port ") {
                driver.port = port.trim_end_matches('.').parse().unwrap();
                return driver;
            }
        }
        panic!("`chromedriver` did not tell its port");
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value, String> {
        let asked = async {
            let stream = TcpStream::connect(("127.0.0.1", self.port)).await.map_err(|error| error.to_string())?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
            tokio::spawn(connection);
            let body = if method == Method::POST { body.to_string().into() } else { Bytes::new() };
            let request =
                Request::builder().method(&method).uri(path).header("host", format!("127.0.0.1:{}", self.port));
            let request = request.header("content-type", "application/json").body(Full::new(body)).unwrap();
            let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
            let good = response.status().is_success();
            let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
            let mut answer: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
            if good { Ok(answer["value"].take()) } else { Err(answer["value"]["message"].to_string()) }
        };
        timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(format!("no answer in {PATIENCE:?}")))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The group of the driver that this test has started: with its browser, if a test has failed.
        let _ =
            Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let driver = Driver::start();
        let profile = TempDir::new().unwrap();
        let switches = SWITCHES.map(str::to_owned).into_iter();
        let switches: Vec<_> = switches.chain([format!("--user-data-dir={}", profile.path().display())]).collect();
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"binary": "/usr/bin/chromium", "args": switches},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = driver.call(Method::POST, "/session", &capabilities).await.expect("chromium starts");
        let session = session["sessionId"].as_str().unwrap().to_owned();
        Self { driver, session, _profile: profile }
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        self.driver.call(method, &path, &body).await.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, body).await
    }

    /// A command of the DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    pub(crate) async fn open(&self, address: &str) {
        self.post("/url", json!({ "url": address })).await;
    }

    /// The value of an expression of JavaScript in the page.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        self.post("/execute/sync", json!({"script": format!("return {expression};"), "args": []})).await
    }

    /// Waits until an expression is true, or fails with the value of `else_tell`.
    pub(crate) async fn until(&self, expression: &str, else_tell: &str) {
        let start = Instant::now();
        while self.value(expression).await != Value::Bool(true) {
            if start.elapsed() > PATIENCE {
                panic!("not in {PATIENCE:?}: {expression}; {else_tell} is {}", self.value(else_tell).await);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Clicks on an element as a person does: it has to be in sight, and nothing may lie on it.
    pub(crate) async fn click(&self, selector: &str) {
        let path = format!("/element/{}/click", self.element(selector).await);
        self.post(&path, json!({})).await;
    }

    pub(crate) async fn write(&self, selector: &str, text: &str) {
        let path = format!("/element/{}/value", self.element(selector).await);
        self.post(&path, json!({ "text": text })).await;
    }

    async fn element(&self, selector: &str) -> String {
        let element = self.post("/element", json!({"using": "css selector", "value": selector})).await;
        element.as_object().and_then(|element| element.values().next()?.as_str()).unwrap().to_owned()
    }

    /// Presses a key where the focus is.
    pub(crate) async fn key(&self, key: char) {
        let actions = [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        self.post("/actions", json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})).await;
    }

    /// What the page has told the console since the last call: exceptions, and breaches of the policy.
    pub(crate) async fn console(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({"type": "browser"})).await;
        log.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn close(self) {
        self.call(Method::DELETE, "", Value::Null).await;
    }
}
