//! What the compiler says to users who make a mistake, and what must compile.
//!
//! Every file in `ui/<topic>/` holds one mistake, and the `.stderr` beside it is the compiler's whole answer, as rustc
//! 1.95 words it: on another toolchain the texts of rustc's own may differ. None shows a source of std's, so that it does
//! not matter whether `rust-src` is installed. `TRYBUILD=overwrite cargo test -p ui-tests` writes them anew; read what
//! changed. Every file in `ui/pass/` compiles and runs.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    for topic in
        ["attribute", "crate", "enum", "field", "guard", "hook", "instances", "item", "near-miss", "reset", "type-key"]
    {
        cases.compile_fail(format!("ui/{topic}/*.rs"));
    }
}
