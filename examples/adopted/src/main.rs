//! Three crates as their documentation shows them, and over a pool: the same bytes, and the time of either.
//!
//! ```text
//! cargo run --release -p adopted            # 1,001 rounds, a few seconds
//! cargo run --release -p adopted -- 1       # one round: do they write the same?
//! ```
//!
//! Each of the three modules has a function `fresh`, one `pooled`, and the type that the pool is of. [`compress`] keeps a
//! context that is dear to make, [`json`] keeps buffers and an empty tape, and [`request`] keeps a vector of borrowed
//! slices for borrows that are yet to come.

#![forbid(unsafe_code)]

mod compress;
mod json;
mod measure;
mod request;

use std::io;
use std::num::NonZero;
use std::process::ExitCode;

use pool_runtime::registry;

use crate::compress::page;
use crate::measure::Case;

/// The rounds of each case, if the command line says nothing.
const ROUNDS: usize = 1001;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("adopted: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let rounds = match std::env::args().nth(1) {
        None => ROUNDS,
        Some(n) => n.parse::<NonZero<usize>>().map_err(|error| io::Error::other(format!("`{n}`: {error}")))?.get(),
    };
    println!("{}", measure::HEAD);
    for case in cases() {
        case.verify()?;
        println!("{}", case.measure(rounds)?);
    }
    println!();
    for pool in registry::stats().iter() {
        println!("`{}`: {} made", pool.name, pool.created);
    }
    Ok(())
}

fn cases() -> Vec<Case> {
    let stream = |name, kib| Case::new(name, page(kib), compress::stream::fresh, compress::stream::pooled);
    let at_once = |name, kib| Case::new(name, page(kib), compress::at_once::fresh, compress::at_once::pooled);
    let json = |name, records| Case::new(name, json::log(records), json::fresh, json::pooled);
    let request = |name, headers| Case::new(name, request::head(headers), request::fresh, request::pooled);
    vec![
        stream("zstd, a stream of 1 KiB", 1),
        stream("zstd, a stream of 4 KiB", 4),
        stream("zstd, a stream of 16 KiB", 16),
        at_once("zstd, 1 KiB at once", 1),
        at_once("zstd, 16 KiB at once", 16),
        json("simd-json, 1 record", 1),
        json("simd-json, 10 records", 10),
        json("simd-json, 100 records", 100),
        request("httparse, 8 headers", 8),
        request("httparse, 64 headers", 64),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_and_pooled_write_the_same_bytes() {
        for case in cases() {
            // The second time the object comes out of the pool.
            case.verify().unwrap();
            case.verify().unwrap();
        }
    }

    #[test]
    fn a_line_of_the_table_has_the_columns_of_its_head() {
        let columns = |line: &str| line.matches('|').count();
        let line = cases()[0].measure(1).unwrap();
        assert!(measure::HEAD.lines().all(|head| columns(head) == columns(&line)), "{line}");
    }
}
