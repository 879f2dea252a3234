//! The server, as a program.
//!
//! ```text
//! cargo run --release --example server                         # prints where to look
//! curl --data-binary @Cargo.lock http://127.0.0.1:8080/gzip | gunzip
//! cargo run --release --example server -- --replay             # a day of load in ten minutes, and the picture of its memory
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    server::main()
}
