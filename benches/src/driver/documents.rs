//! Tables in Markdown files, which a run rewrites.
//!
//! What stands between `<!-- benches: NAME -->` and `<!-- benches end -->` is replaced. NAME is a scenario, a scenario and
//! `, briefly` for a few of its rows, `machine`, `summary` or `made`. A scenario that was not measured keeps its table.

use std::path::Path;
use std::{fs, io};

use benches::protocol::Scenario;
use clap::ValueEnum;

use crate::driver::plan::Info;
use crate::driver::report::Report;
use crate::driver::table;

/// Behind the name of a scenario: a few of its rows.
const BRIEFLY: &str = ", briefly";

/// The contestants of such a table.
const FEW: [&str; 14] = [
    "pool-runtime, rseq",
    "pool-runtime OwnedPool, rseq",
    "pool-runtime, portable",
    "limit: thread-local cell",
    "limit: two uncontended atomic swaps",
    "limit: boxes that come back in their batch",
    "thread_local! Vec",
    "Go sync.Pool",
    "swimmer",
    "opool",
    "crossbeam ArrayQueue",
    "parking_lot Mutex<Vec>",
    "no pool, jemalloc",
    "no pool, glibc",
];

const BEGIN: &str = "<!-- benches: ";
const END: &str = "<!-- benches end -->";

pub(crate) fn rewrite(file: &Path, report: &Report) -> io::Result<()> {
    let text = fs::read_to_string(file)?;
    fs::write(file, rewritten(&text, |name| content(name, report)).map_err(io::Error::other)?)
}

/// What belongs under a name: `Ok(None)` if it was not measured.
fn content(name: &str, report: &Report) -> Result<Option<String>, String> {
    match name {
        "machine" => return Ok(Some(table::machine(report))),
        "summary" => return Ok(Some(table::summary(report))),
        "made" => return Ok(Some(table::made(report))),
        _ => {}
    }
    let (full, is_brief) = name.strip_suffix(BRIEFLY).map_or((name, false), |full| (full, true));
    let scenario = Scenario::from_str(full, false)
        .map_err(|_| format!("no scenario is named `{full}`; expected one of them, `machine`, `summary` or `made`"))?;
    if report.of(scenario).is_empty() {
        return Ok(None);
    }
    let table = table::table(report, scenario);
    let table = if is_brief { briefly(&table) } else { table };
    Ok(Some(format!("{}\n\n{table}", Info::of(scenario).about)))
}

/// A table with its head, the rows of [`FEW`], and all that stands below it.
fn briefly(table: &str) -> String {
    let stays = |(number, line): &(usize, &str)| {
        let name = line.split('|').nth(1).unwrap_or_default().trim().trim_matches('*');
        *number < 2 || !line.starts_with('|') || FEW.contains(&name)
    };
    table.lines().enumerate().filter(stays).map(|(_, line)| format!("{line}\n")).collect()
}

fn rewritten(text: &str, content: impl Fn(&str) -> Result<Option<String>, String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(" -->").ok_or("a mark does not end: ` -->` is missing")?;
        let (old, after) = after.split_once(END).ok_or_else(|| format!("`{BEGIN}{name} -->` has no `{END}`"))?;
        out.push_str(&format!("{before}{BEGIN}{name} -->"));
        match content(name)? {
            Some(new) => out.push_str(&format!("\n\n{new}\n")),
            None => out.push_str(old),
        }
        out.push_str(END);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let text = "head\n<!-- benches: a -->\nold\n<!-- benches end -->\nmiddle <!-- benches: b --> b <!-- benches end --> tail";
        let new = rewritten(text, |name| Ok((name == "a").then(|| "new\n".to_owned())));
        assert_eq!(
            new.unwrap(),
            "head\n<!-- benches: a -->\n\nnew\n\n<!-- benches end -->\nmiddle <!-- benches: b --> b <!-- benches end --> tail"
        );
    }

    #[test]
    fn a_brief_table_has_a_few_rows_and_all_that_stands_below() {
        let table = "|  | 1 thread |\n|--|--:|\n| Go sync.Pool | 17.1 |\n| **pool-runtime, rseq** | 4.35 |\n| other | 9 |\n\nBetter: other.\n";
        assert_eq!(
            briefly(table),
            "|  | 1 thread |\n|--|--:|\n| Go sync.Pool | 17.1 |\n| **pool-runtime, rseq** | 4.35 |\n\nBetter: other.\n"
        );
    }

    #[test]
    fn a_mark_without_an_end_is_an_error_that_names_it() {
        let error = rewritten("<!-- benches: a --> and no end", |_| Ok(None)).unwrap_err();
        assert!(error.contains("benches: a"), "{error}");
    }
}
