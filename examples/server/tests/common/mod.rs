//! The server as a program of its own, and clients.

#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]

pub mod client;
pub mod program;

use std::future::Future;
use std::io::Read;
use std::time::Duration;

use brotli::Decompressor;
use flate2::read::GzDecoder;
use tokio::time::timeout;

/// The paths that compress.
pub const PATHS: [&str; 3] = ["/gzip", "/zstd", "/brotli"];

/// Runs a test, which fails if it takes longer than any machine needs for it.
pub async fn in_time(test: impl Future<Output = ()>) {
    timeout(Duration::from_secs(120), test).await.expect("the test takes less than two minutes");
}

/// Whether nothing is pooled, so that memory is not back either.
pub fn is_off() -> bool {
    std::env::var_os("POOL_BACKEND").is_some_and(|backend| backend == "off")
}

/// A body that no other request has: a line with its mark, again and again, and numbers that do not repeat.
pub fn marked(mark: usize, length: usize) -> Vec<u8> {
    let mut random = mark as u64;
    let mut body = Vec::with_capacity(length + 64);
    while body.len() < length {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        body.extend_from_slice(format!("mark {mark}: {:x}\n", random >> 32).as_bytes());
    }
    body.truncate(length);
    body
}

/// Bytes that no compressor makes smaller.
pub fn noise(mark: usize, length: usize) -> Vec<u8> {
    let mut random = mark as u64 + 1;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// The body that an answer of `path` was made of.
pub fn unpacked(path: &str, packed: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    match path {
        "/gzip" => GzDecoder::new(packed).read_to_end(&mut body).expect("gzip"),
        "/brotli" => Decompressor::new(packed, 4096).read_to_end(&mut body).expect("brotli"),
        "/zstd" => {
            body.reserve(32 << 20);
            zstd_safe::decompress(&mut body, packed).expect("zstd")
        }
        _ => unreachable!("{path} does not compress"),
    };
    body
}
