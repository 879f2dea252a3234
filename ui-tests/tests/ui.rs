//! What the compiler says to users who make a mistake, and what must compile.
//!
//! Every file in `ui/<topic>/` holds one mistake, and the `.stderr` beside it is the compiler's whole answer, as rustc
//! 1.95 words it: on another toolchain the texts of rustc's own may differ. None shows a source of std's, so that it does
//! not matter whether `rust-src` is installed. `TRYBUILD=overwrite cargo test -p ui-tests` writes them anew; read what
//! changed. Every file in `ui/pass/` compiles and runs.

use trybuild::TestCases;

#[test]
fn what_is_right_compiles_and_runs() {
    TestCases::new().pass("ui/pass/*.rs");
}

// A test of its own: where no program is to run, `trybuild` has one cargo check all files, side by side.
#[test]
fn each_mistake_has_its_message() {
    let cases = TestCases::new();
    for topic in [
        "attribute",
        "crate",
        "enum",
        "field",
        "guard",
        "hook",
        "instances",
        "item",
        "near-miss",
        "owned",
        "reset",
        "type-key",
    ] {
        cases.compile_fail(format!("ui/{topic}/*.rs"));
    }
}
