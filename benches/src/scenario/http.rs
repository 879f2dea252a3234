//! A server that compresses its answers, under `wrk`, which is a program of its own.
//!
//! HTTP/1.1, a thread for each connection: far more threads than run at once. A thread has a deflate context and two
//! buffers while it makes and sends an answer, and not while it waits for a request, so a pool makes as many as are at work at
//! once, and a list per thread as many as there are connections.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;
use std::{fs, str, thread};

use flate2::read::GzDecoder;
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;

use super::Figures;
use super::squeeze::{Source, files};
use crate::gzip;
use crate::pooled::{Buffer, Context};
use crate::protocol::Task;

/// The longest head of a request, in bytes, with the blank line.
const HEAD: usize = 4 << 10;

const END: &[u8] = b"\r\n\r\n";
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
const TOO_LARGE: &[u8] =
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// The line that `http.lua` prints.
#[derive(Deserialize)]
struct Counted {
    requests: u64,
    micros: u64,
    p99_micros: u64,
    failed: u64,
}

/// Pages of 1 to 4 KiB for as many connections as the task's size says. An operation is an answer.
pub(crate) fn pages_of<S: Source>(task: &Task) -> Figures {
    let pages = files();
    serve::<S, _>(&pages, |address, answered| {
        assert_answers(address, &pages[0]);
        let before = (answered.load(Relaxed), cpu_time());
        let counted = wrk(address, pages.len(), task).unwrap_or_else(|reason| panic!("wrk: {reason}"));
        // Answers that wrk has not counted have cost CPU time as well.
        let (answers, cpu) = (answered.load(Relaxed) - before.0, cpu_time() - before.1);
        vec![
            ("cpu_ns", cpu.as_secs_f64() * 1e9 / answers.max(1) as f64),
            ("requests_per_second", counted.requests as f64 * 1e6 / counted.micros.max(1) as f64),
            ("p99_us", counted.p99_micros as f64),
            ("peak_mib", peak_mib()),
        ]
    })
}

/// Asks for all pages again and again, for the time of the task in whole seconds.
fn wrk(address: SocketAddr, pages: usize, task: &Task) -> Result<Counted, String> {
    let seconds = task.milliseconds.div_ceil(1000).max(1);
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{}", task.size), &format!("-d{seconds}s"), "-s"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/scenario/http.lua"))
        .args([&format!("http://{address}"), "--", &pages.to_string()])
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find(|line| line.starts_with('{'));
    let Some(line) = line.filter(|_| output.status.success()) else {
        return Err(format!("{}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr)));
    };
    let counted: Counted = serde_json::from_str(line).map_err(|error| format!("`{line}`: {error}"))?;
    match counted {
        Counted { requests: 0, .. } => Err("no request was answered".to_owned()),
        Counted { failed: 1.., .. } => Err(format!("{} of {} requests failed", counted.failed, counted.requests)),
        _ => Ok(counted),
    }
}

/// Serves the pages `/0`, `/1` and so on while `client` runs, which is given the address and the number of answers so far.
///
/// Returns when all connections are closed.
fn serve<S: Source, R>(pages: &[Vec<u8>], client: impl FnOnce(SocketAddr, &AtomicU64) -> R) -> R {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    let (answered, stopped) = (&AtomicU64::new(0), &AtomicBool::new(false));
    thread::scope(|scope| {
        let _stop = Stop { stopped, address };
        scope.spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("fewer connections than file descriptors");
                // Acquire: pairs with the drop of `Stop`, which connects after it.
                if stopped.load(Acquire) {
                    return;
                }
                // It ends as the client likes: wrk closes in the middle of an answer.
                scope.spawn(move || converse::<S>(stream, pages, answered));
            }
        });
        client(address, answered)
    })
}

/// Ends the server when it is dropped, also by a client that panics.
struct Stop<'a> {
    stopped: &'a AtomicBool,
    address: SocketAddr,
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        // Release: pairs with the load behind `accept`, which this connection wakes.
        self.stopped.store(true, Release);
        TcpStream::connect(self.address).expect("it listens");
    }
}

/// Answers the requests of one connection.
fn converse<S: Source>(mut stream: TcpStream, pages: &[Vec<u8>], answered: &AtomicU64) -> io::Result<()> {
    let mut buffer = [0; HEAD];
    let mut filled = 0;
    loop {
        let head = loop {
            if let Some(length) = buffer[..filled].windows(END.len()).position(|bytes| bytes == END) {
                break length;
            }
            if filled == HEAD {
                return stream.write_all(TOO_LARGE);
            }
            match stream.read(&mut buffer[filled..])? {
                0 => return Ok(()),
                read => filled += read,
            }
        };
        let Some(request) = Request::parse(&buffer[..head]) else { return stream.write_all(BAD_REQUEST) };
        let number = request.path.strip_prefix('/').and_then(|number| number.parse::<usize>().ok());
        match number.and_then(|number| pages.get(number)) {
            Some(page) => S::with(|context, input, packed| {
                input.bytes.extend_from_slice(page);
                stream.write_all(answer(request.gzip, context, input, packed))
            })?,
            None => stream.write_all(NOT_FOUND)?,
        }
        answered.fetch_add(1, Relaxed);
        if request.close {
            return Ok(());
        }
        buffer.copy_within(head + END.len()..filled, 0);
        filled -= head + END.len();
    }
}

/// Head and body, in one of the two buffers. The page is in `input`.
fn answer<'a>(gzip: bool, context: &mut Context, input: &'a mut Buffer, packed: &'a mut Buffer) -> &'a [u8] {
    let (body, whole, encoding) = if gzip {
        gzip::write_member(context, &input.bytes, &mut packed.bytes);
        input.bytes.clear();
        (&packed.bytes, &mut input.bytes, "Content-Encoding: gzip\r\n")
    } else {
        (&input.bytes, &mut packed.bytes, "")
    };
    let length = body.len();
    write!(
        whole,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nVary: Accept-Encoding\r\n{encoding}Content-Length: {length}\r\n\r\n"
    )
    .expect("memory takes all");
    whole.extend_from_slice(body);
    whole
}

/// The parts of a request's head that decide about its answer.
struct Request<'a> {
    path: &'a str,
    gzip: bool,
    close: bool,
}

impl<'a> Request<'a> {
    /// `None` for all but a GET without a body.
    fn parse(head: &'a [u8]) -> Option<Self> {
        let mut lines = str::from_utf8(head).ok()?.split("\r\n");
        let path = lines.next()?.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?;
        let mut request = Self { path, gzip: false, close: false };
        for line in lines {
            let (name, value) = line.split_once(':')?;
            // Without the weights: a client that names gzip takes it.
            let names = |word| {
                value.split(',').any(|item| item.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(word))
            };
            match name.to_ascii_lowercase().as_str() {
                "accept-encoding" => request.gzip = names("gzip"),
                "connection" => request.close = names("close"),
                "content-length" | "transfer-encoding" => return None,
                _ => {}
            }
        }
        Some(request)
    }
}

/// Checks answers of both encodings against the page, which is the first. They come from one thread, which uses its objects again.
fn assert_answers(address: SocketAddr, page: &[u8]) {
    let mut stream = connect(address).expect("a connection");
    for encoding in ["gzip", "gzip", "identity"] {
        let request = format!("GET /0 HTTP/1.1\r\nAccept-Encoding: {encoding}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the server listens");
        let (head, body) = answer_from(&mut stream).expect("an answer");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{encoding}: {head}");
        assert_eq!(head.contains("\r\nContent-Encoding: gzip\r\n"), encoding == "gzip", "{encoding}: {head}");
        let mut content = Vec::new();
        match encoding {
            "gzip" => GzDecoder::new(&*body).read_to_end(&mut content).map(drop).expect("gzip"),
            _ => content = body,
        }
        assert!(content == page, "{encoding}: another page");
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(stream)
}

/// The next answer: its head, and as much of a body as that says.
fn answer_from(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(END) {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
    let mut body = vec![0; length.ok_or_else(|| io::Error::other(format!("no length: {head}")))?];
    stream.read_exact(&mut body)?;
    Ok((head, body))
}

/// CPU time of this process: of the server, and not of wrk.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The most memory that was resident since this process began, in MiB. It has done nothing else: see `Info::fresh`.
fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<f64>().ok()).expect("a number of kB") / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestant::lists::ThreadLocalVec;
    use crate::contestant::none::NoPool;
    use crate::contestant::ours::Ours;

    fn assert_serves<S: Source>() {
        let pages = files();
        serve::<S, _>(&pages, |address, _| {
            assert_answers(address, &pages[0]);
            // On another thread.
            assert_answers(address, &pages[0]);
        });
    }

    #[test]
    fn an_answer_is_the_page() {
        assert_serves::<Ours>();
        assert_serves::<NoPool>();
        assert_serves::<ThreadLocalVec>();
    }

    /// All bytes that arrive until the server closes the connection.
    fn all_answers(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = connect(address).unwrap();
        stream.write_all(request).unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).unwrap();
        answers
    }

    #[test]
    fn a_wrong_request_is_refused_and_the_server_lives_on() {
        let pages = files();
        serve::<Ours, _>(&pages, |address, answered| {
            let wrong: [(&[u8], &[u8]); 7] = [
                (b"hello\r\n\r\n", BAD_REQUEST),
                (b"\r\n\r\n", BAD_REQUEST),
                (b"POST /0 HTTP/1.1\r\n\r\n", BAD_REQUEST),
                (b"GET /0 HTTP/1.1\r\nno colon\r\n\r\n", BAD_REQUEST),
                (b"GET /0 HTTP/1.1\r\nHost: \xff\r\n\r\n", BAD_REQUEST),
                (b"GET /0 HTTP/1.1\r\nContent-Length: 4\r\n\r\n", BAD_REQUEST),
                (&[b'x'; HEAD], TOO_LARGE),
            ];
            for (request, answer) in wrong {
                assert_eq!(all_answers(address, request).as_bytes(), answer, "{}", String::from_utf8_lossy(request));
            }
            assert_eq!(answered.load(Relaxed), 0);
            let none = all_answers(address, b"GET /999999 HTTP/1.1\r\nConnection: close\r\n\r\n");
            assert_eq!(none.as_bytes(), NOT_FOUND);
            assert_answers(address, &pages[0]);
        });
    }

    #[test]
    fn requests_are_answered_in_turn_however_they_arrive() {
        let pages = [b"first".to_vec(), b"second".to_vec()];
        serve::<Ours, _>(&pages, |address, _| {
            let mut stream = connect(address).unwrap();
            let next = |stream: &mut TcpStream| String::from_utf8(answer_from(stream).unwrap().1).unwrap();
            stream.write_all(b"GET /0 HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\n\r\nGET /0 HT").unwrap();
            assert_eq!([next(&mut stream), next(&mut stream)], ["first", "second"]);
            stream.write_all(b"TP/1.1\r\nConnection: close\r\n\r\n").unwrap();
            assert_eq!(next(&mut stream), "first");
            assert_eq!(stream.read(&mut [0]).unwrap(), 0, "it was asked to close");
        });
    }
}
