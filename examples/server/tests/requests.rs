//! Requests, right and wrong, one at a time: the answer is the body compressed, or says what is wrong.

mod common;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use common::client::{Body, Client, Raw, chunked, whole};
use common::program::Program;
use common::{PATHS, in_time, marked, noise, unpacked};

#[tokio::test]
async fn an_answer_is_the_body_compressed() {
    in_time(async {
        let server = Program::start(&[]);
        let mut client = Client::new(server.address).await;
        for path in PATHS {
            for length in [0, 1, 1000, 16 << 10, 70_000, 500_000] {
                for (body, is_small) in
                    [(marked(length, length), length <= 70_000), (noise(length, length), length <= 16 << 10)]
                {
                    let bodies: [fn(Vec<u8>) -> Body; 2] = [whole, |body| chunked(body, 5000)];
                    for send in bodies {
                        let answer = client.post(path, send(body.clone())).await;
                        assert_eq!(answer.status, 200, "{path}, {length}");
                        assert_eq!(
                            answer.headers["content-encoding"],
                            if path == "/brotli" { "br" } else { &path[1..] }
                        );
                        // An answer that fits into one buffer tells its length.
                        assert_eq!(answer.headers.contains_key("content-length"), is_small, "{path}, {length}");
                        assert!(unpacked(path, &answer.body) == body, "{path}, {length}: another body");
                    }
                }
            }
        }
        client.close().await;
        server.stop();
    })
    .await;
}

#[tokio::test]
async fn lines_of_json_are_added_up_wherever_they_are_cut() {
    in_time(async {
        let server = Program::start(&[]);
        let mut client = Client::new(server.address).await;
        let body = "{\"a\": 1, \"b\": \"x\"}\r\n\n{\"b\": null, \"a\": 2.5}\n  {\"\\u00fc\": -1, \"b\": [1, {\"a\": 9}], \"a\": -3}";
        let expected = json!({
            "objects": 3,
            "fields": {
                "a": { "count": 3, "numbers": 3, "sum": 0.5, "min": -3.0, "max": 2.5 },
                "b": { "count": 3 },
                "ü": { "count": 1, "numbers": 1, "sum": -1.0, "min": -1.0, "max": -1.0 },
            },
        });
        for length in [1, 2, 7, 20, 1000] {
            let answer = client.post("/json", chunked(body, length)).await;
            assert_eq!(answer.headers["content-type"], "application/json");
            assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), expected, "chunks of {length}");
        }
        // The scratch of the last request has left nothing behind.
        let answer = client.post("/json", whole("")).await;
        assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), json!({ "objects": 0, "fields": {} }));
        client.close().await;
        server.stop();
    })
    .await;
}

#[tokio::test]
async fn a_wrong_request_is_told_what_is_wrong() {
    in_time(async {
        let server = Program::start(&["--max-line", "1000"]);
        let address = server.address;
        let many: String = (0..257).map(|number| format!("{{\"{number}\": 1}}\n")).collect();
        let lines = [
            ("{\"a\": 1}\n{\"a\": }", "line 2, column 7: expected value"),
            ("{\"a\": 1}\n\n[1]\n", "line 3: invalid type: sequence, expected an object"),
            ("7\n", "line 1, column 1: invalid type: integer `7`, expected an object"),
            ("{\"a\": 1} 2\n", "line 1, column 10: trailing characters"),
            ("{\"a", "line 1, column 3: EOF while parsing a string"),
            ("{\"a\": 1}\n{\"a\": \"\u{1}\"}", "line 2, column 8: control character"),
            (&format!("{{}}\n{}", "x".repeat(1001)), "line 2: longer than 1000 bytes"),
            (&format!("{{\"{}\": 1}}", "x".repeat(257)), "line 1, column 260: a name of more than 256 bytes"),
            (&many, "line 257, column 6: more than 256 names of fields"),
        ];
        for (body, fault) in lines {
            for body in [whole(body.to_owned()), chunked(body.to_owned(), 300)] {
                let answer = Client::new(address).await.post("/json", body).await;
                assert_eq!(answer.status, 400, "{fault}");
                assert!(answer.text().starts_with(fault), "`{}`, and not `{fault}`", answer.text());
            }
        }
        let answer = Client::new(address).await.post("/json", whole(&b"{\"a\": \"\xff\"}"[..])).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (400, "line 1, column 8: invalid unicode code point\n"));

        let mut client = Client::new(address).await;
        for (method, path, status) in [("GET", "/gzip", 405), ("POST", "/health", 405), ("GET", "/nothing", 404)] {
            let answer = client.try_send(method, path, whole("")).await.unwrap();
            assert_eq!(answer.status, status);
            assert!(answer.text().ends_with("`GET /` lists them\n"), "{}", answer.text());
        }
        let index = client.get("/").await;
        assert!(PATHS.iter().all(|path| index.text().contains(path)), "{}", index.text());

        let heads: [(&str, &str, &str); 5] = [
            ("hello\r\n\r\n", "400", ""),
            ("POST /gzip HTTP/1.1\r\nContent-Length: many\r\n\r\n", "400", ""),
            ("POST /gzip HTTP/1.1\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx", "415", "encoded as `br`"),
            ("POST /gzip HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400", "the body cannot be read: "),
            (&format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000)), "431", ""),
        ];
        for (head, status, fault) in heads {
            let mut raw = Raw::new(address).await;
            raw.send(head).await;
            raw.0.set_nodelay(true).unwrap();
            tokio::io::AsyncWriteExt::shutdown(&mut raw.0).await.unwrap();
            let answer = raw.rest().await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(fault),
                "{head:.60}: {answer}"
            );
        }
        server.is_quiet().await;
        server.stop();
    })
    .await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_or_cut_but_never_half_an_answer() {
    in_time(async {
        let server = Program::start(&["--max-body", "400000"]);
        let address = server.address;
        let told = "the body is larger than 400000 bytes: send it in parts\n";
        for path in ["/gzip", "/zstd", "/brotli", "/json"] {
            // Its length says so; and it does not, but the answer has not begun.
            for body in [whole(vec![b' '; 400_001]), chunked(vec![b' '; 400_001], 1000)] {
                let answer = Client::new(address).await.post(path, body).await;
                assert_eq!((answer.status.as_u16(), answer.text()), (413, told), "{path}");
            }
            let fits = Client::new(address).await.post(path, chunked(vec![b' '; 400_000], 1000)).await;
            assert_eq!(fits.status, 200, "{path}: {}", fits.text());
        }
        // The answer has begun: it breaks off.
        for path in PATHS {
            let cut = Client::new(address).await.try_send("POST", path, chunked(noise(1, 1_000_000), 1000)).await;
            assert!(cut.is_err(), "{path}: {cut:?}");
        }
        // A client that sends all of it before it reads.
        let mut raw = Raw::new(address).await;
        raw.begin("/gzip", 3 << 20).await;
        raw.send(vec![b'x'; 3 << 20]).await;
        assert!(raw.rest().await.ends_with(told));
        server.is_quiet().await;
        server.stop();
    })
    .await;
}

#[tokio::test]
async fn a_client_that_takes_too_long_is_told_or_cut() {
    in_time(async {
        let server = Program::start(&["--stall", "0.3", "--time", "1"]);
        let address = server.address;
        // It pauses in the middle of a body.
        let mut raw = Raw::new(address).await;
        raw.begin("/gzip", 1000).await;
        raw.send("half").await;
        let answer = raw.rest().await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("did not arrive in time"), "{answer}");

        // It never pauses, and does not end.
        let start = Instant::now();
        let mut raw = Raw::new(address).await;
        raw.begin("/json", 1000).await;
        while start.elapsed() < Duration::from_secs(5) && raw.send(" ").await {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let mut answer = [0; 12];
            if raw.0.try_read(&mut answer).is_ok() {
                assert_eq!(&answer, b"HTTP/1.1 408");
                break;
            }
        }
        assert!((1..4).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());

        // It does not send a whole head, or nothing at all.
        for head in ["GET / HT", ""] {
            let start = Instant::now();
            let mut raw = Raw::new(address).await;
            raw.send(head).await;
            raw.rest().await;
            assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        }
        drop(raw);
        server.is_quiet().await;
        server.stop();
    })
    .await;
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    in_time(async {
        let server = Program::start(&["--max-connections", "3"]);
        let mut clients = Vec::new();
        for _ in 0..3 {
            let mut client = Client::new(server.address).await;
            assert_eq!(client.get("/").await.status, 200);
            clients.push(client);
        }
        let mut refused = Client::new(server.address).await;
        let answer = refused.post("/gzip", whole("x")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (503, "all connections are in use: try again in a second\n")
        );
        for (name, value) in [("connection", "close"), ("retry-after", "1")] {
            assert_eq!(answer.headers[name], value);
        }
        // The others are served, and there is room again when one of them goes.
        assert_eq!(clients[0].get("/").await.status, 200);
        clients.pop();
        let start = Instant::now();
        while Client::new(server.address).await.get("/").await.status != 200 {
            assert!(start.elapsed() < Duration::from_secs(5));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(clients);
        server.stop();
    })
    .await;
}
