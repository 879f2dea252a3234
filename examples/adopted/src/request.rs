//! httparse: a request's headers, in a vector whose elements borrow from the request.
//!
//! The pool is a static, so its objects borrow from nothing: it holds a vector of `Header<'static>`, which is empty. An empty
//! vector's memory fits elements of every lifetime, and safe code can say so in both directions:
//!
//! - out of the pool, by itself: a `Vec<Header<'static>>` may stand where a `Vec<Header<'a>>` is wanted;
//! - and back by [`emptied`].

use std::io::{self, Write};
use std::mem::{self, MaybeUninit};
use std::ops::{Deref, DerefMut};

use httparse::{Header, Request};
use pool_runtime::{Guard, Pooled};

/// More headers are an error.
const MOST: usize = 100;

/// The memory for the headers of a request. The vector is empty while no request has it.
#[derive(Default, Pooled)]
struct Memory(Vec<Header<'static>>);

/// A vector of headers that borrow for `'a`, in memory from the pool. Its drop gives the memory back.
struct Headers<'a> {
    headers: Vec<Header<'a>>,
    memory: Guard<Memory>,
}

impl Headers<'_> {
    fn acquire() -> Self {
        let mut memory = Memory::acquire();
        Self { headers: mem::take(&mut memory.0), memory }
    }
}

impl Drop for Headers<'_> {
    fn drop(&mut self) {
        self.memory.0 = emptied(mem::take(&mut self.headers));
    }
}

impl<'a> Deref for Headers<'a> {
    type Target = Vec<Header<'a>>;

    fn deref(&self) -> &Vec<Header<'a>> {
        &self.headers
    }
}

impl<'a> DerefMut for Headers<'a> {
    fn deref_mut(&mut self) -> &mut Vec<Header<'a>> {
        &mut self.headers
    }
}

/// A vector's memory for other borrows. It has no element to convert, and std collects into the memory of a vector whose
/// elements are as large. That is an optimization and no promise; without it the pool would keep vectors without memory.
fn emptied<'a>(mut headers: Vec<Header<'_>>) -> Vec<Header<'a>> {
    headers.clear();
    headers.into_iter().map(|_| unreachable!("it is empty")).collect()
}

/// Parses into a vector of its own.
pub(crate) fn fresh(request: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut headers = Vec::new();
    let path = parse(request, &mut headers)?;
    write_line(path, &headers, out)
}

/// Parses into a vector from the pool.
pub(crate) fn pooled(request: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut headers = Headers::acquire();
    let path = parse(request, &mut headers)?;
    write_line(path, &headers, out)
}

/// Appends the headers, and returns the path. Both borrow from the request.
fn parse<'a>(bytes: &'a [u8], headers: &mut Vec<Header<'a>>) -> io::Result<&'a str> {
    let mut found = [MaybeUninit::uninit(); MOST];
    let mut request = Request::new(&mut []);
    let status = request.parse_with_uninit_headers(bytes, &mut found).map_err(io::Error::other)?;
    if status.is_partial() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    headers.extend_from_slice(request.headers);
    Ok(request.path.expect("it is complete"))
}

/// The line of an access log.
fn write_line(path: &str, headers: &[Header<'_>], out: &mut Vec<u8>) -> io::Result<()> {
    let host = headers.iter().find(|header| header.name.eq_ignore_ascii_case("host"));
    out.write_all(host.map_or(b"-", |header| header.value))?;
    writeln!(out, " {path} {}", headers.len())
}

/// The head of a request with so many headers.
pub(crate) fn head(headers: usize) -> Vec<u8> {
    let mut head = "GET /a/page?and=a&query=too HTTP/1.1\r\nHost: example.org\r\n".to_owned();
    (1..headers).for_each(|n| head.push_str(&format!("X-Header-{n}: the value of number {n}\r\n")));
    head.push_str("\r\n");
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_line() {
        let mut out = Vec::new();
        pooled(&head(8), &mut out).unwrap();
        assert_eq!(String::from_utf8_lossy(&out), "example.org /a/page?and=a&query=too 8\n");
    }

    #[test]
    fn the_memory_is_the_same_for_other_borrows() {
        let request = head(50);
        let mut headers = Vec::new();
        parse(&request, &mut headers).unwrap();
        let memory = (headers.as_ptr().addr(), headers.capacity());
        let headers: Vec<Header<'static>> = emptied(headers);
        drop(request);
        assert!(headers.is_empty());
        assert_eq!((headers.as_ptr().addr(), headers.capacity()), memory);
    }

    #[test]
    fn a_request_that_is_wrong_leaves_nothing_to_the_next() {
        let (mut out, good) = (Vec::new(), head(3));
        for bad in [&good[..20], b"\0", &head(MOST + 1)] {
            assert!(pooled(bad, &mut out).is_err());
        }
        pooled(&good, &mut out).unwrap();
        assert_eq!(out, b"example.org /a/page?and=a&query=too 3\n");
    }
}
