//! The program that ci/instructions.sh runs under callgrind: one piece of work, so many times.
//!
//! Two runs with different counts differ by the loop alone.

use std::hint::black_box;
use std::process::ExitCode;

use pool_runtime::Pooled;

#[derive(Default, Pooled)]
struct Buffer {
    bytes: Vec<u8>,
    lines: u64,
}

/// Fields of the kinds that the derive resets: by `Reset`, and by each key.
#[derive(Default, Pooled)]
struct Fields {
    bytes: Vec<u8>,
    text: String,
    pair: (u64, bool),
    last: Option<u32>,
    #[pooled(clear)]
    cleared: Vec<u32>,
    #[pooled(default)]
    defaulted: [u64; 2],
    #[pooled(set = 7)]
    set: u32,
    #[pooled(with = |n: &mut u32| *n += 1)]
    used: u32,
    #[pooled(keep)]
    kept: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, times] = &arguments[..] else { return usage() };
    let Ok(times) = times.parse::<u32>() else { return usage() };
    match what.as_str() {
        "pair" => {
            for _ in 0..times {
                let mut buffer = Buffer::acquire();
                buffer.lines += 1;
                black_box(&mut buffer.bytes);
            }
        }
        "reset" => {
            let mut fields = Fields::default();
            for _ in 0..times {
                Fields::reset_object(black_box(&mut fields));
            }
            // Each field is read, so that the compiler keeps every reset.
            let Fields { bytes, text, pair, last, cleared, defaulted, set, used, kept } = fields;
            black_box((bytes, text, pair, last, cleared, defaulted, set, used, kept));
        }
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("instructions: expected `pair` or `reset`, and how many times");
    ExitCode::FAILURE
}
