//! simd-json: its working memory, a copy of the input, and a tape, whose nodes borrow from that copy.

use std::io::{self, Write};
use std::mem;

use pool_runtime::Pooled;
use simd_json::prelude::*;
use simd_json::tape::Value;
use simd_json::{Buffers, Tape};

#[derive(Pooled)]
#[pooled(new = Self::new)]
struct Parser {
    /// simd-json unescapes strings in their place, so it parses a copy.
    input: Vec<u8>,
    /// The next parse overwrites them.
    #[pooled(keep)]
    buffers: Buffers,
    /// Empty while no parse is at work: nothing is borrowed for `'static`.
    #[pooled(keep)]
    tape: Tape<'static>,
}

impl Parser {
    fn new() -> Self {
        Self { input: Vec::new(), buffers: Buffers::default(), tape: Tape(Vec::new()) }
    }
}

/// Parses with memory of its own.
pub(crate) fn fresh(json: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut input = json.to_vec();
    let tape = simd_json::to_tape(&mut input)?;
    write_lines(tape.as_value(), out)
}

/// Parses with memory that has held other documents.
pub(crate) fn pooled(json: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut guard = Parser::acquire();
    let Parser { input, buffers, tape } = &mut *guard;
    input.extend_from_slice(json);
    // A tape for `'static` may be used for any shorter borrow, and `Tape::reset` makes an empty one for `'static` of it again.
    let mut nodes = mem::replace(tape, Tape(Vec::new()));
    let result = simd_json::fill_tape(input, buffers, &mut nodes)
        .map_err(io::Error::from)
        .and_then(|()| write_lines(nodes.as_value(), out));
    *tape = nodes.reset();
    result
}

/// The status and the path of each request.
fn write_lines(records: Value<'_, '_>, out: &mut Vec<u8>) -> io::Result<()> {
    let records = records.as_array().ok_or_else(|| io::Error::other("the log is no array"))?;
    for record in records.iter() {
        let request = record.get("request").ok_or_else(|| io::Error::other("a record has no request"))?;
        let (path, status) = (request.get("path"), request.get("status"));
        let (path, status) = (path.as_str().unwrap_or("-"), status.as_u16().unwrap_or(0));
        writeln!(out, "{status} {path}")?;
    }
    Ok(())
}

/// A log of so many records.
pub(crate) fn log(count: usize) -> Vec<u8> {
    let record = |n| {
        format!(
            r#"{{"time":{n},"level":"info","target":"server::http","message":"answered \"GET\" with a page\tfrom the cache","request":{{"method":"GET","path":"\/a\/page\/{n}?and=a&query=too","status":{},"seconds":0.0{n},"tags":["cached","gzip","http\/2"]}}}}"#,
            200 + n % 5
        )
    };
    format!("[{}]", (0..count).map(record).collect::<Vec<_>>().join(",\n")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_a_line_for_each_record() {
        let mut out = Vec::new();
        pooled(&log(2), &mut out).unwrap();
        assert_eq!(String::from_utf8_lossy(&out), "200 /a/page/0?and=a&query=too\n201 /a/page/1?and=a&query=too\n");
    }

    #[test]
    fn a_log_that_cannot_be_parsed_leaves_a_parser_that_can() {
        let (mut fresh_out, mut pooled_out) = (Vec::new(), Vec::new());
        for log in [&b"[{"[..], b"{}", b"[{}]", b""] {
            assert!(pooled(log, &mut pooled_out).is_err());
        }
        pooled(&log(100), &mut pooled_out).unwrap();
        fresh(&log(100), &mut fresh_out).unwrap();
        assert_eq!(pooled_out, fresh_out);
    }
}
