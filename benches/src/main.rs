//! The benchmark: `cargo run --release -p benches -- --help`.

#![forbid(unsafe_code)]

mod driver;

use std::process::ExitCode;

fn main() -> ExitCode {
    match driver::run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("benches: {error}");
            ExitCode::FAILURE
        }
    }
}
