//! A day of the replay in a few seconds: the picture has the four curves, and with a collector memory is back in the evening.

mod common;

use std::fs;
use std::time::{Duration, Instant};

use roxmltree::{Document, Node};
use tempfile::TempDir;

use common::is_off;
use common::program::command;

#[test]
fn a_day_ends_with_a_picture() {
    let folder = TempDir::new().unwrap();
    let picture = folder.path().join("day.svg");
    let output =
        command().args(["--replay", "--minutes", "0.15", "--clients", "24", "--svg"]).arg(&picture).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));

    let sides = ["no pool", "thread-locals", "pooled, no collector", "pooled, with a collector"];
    let most_and_last = sides.map(|side| {
        let line =
            said.lines().find_map(|line| line.strip_prefix(side)).unwrap_or_else(|| panic!("no `{side}`: {said}"));
        let numbers: Vec<f64> = line.split_whitespace().map(|number| number.parse().unwrap()).collect();
        assert!(numbers[0] > 10.0, "{side} answered {} requests", numbers[0]);
        (numbers[1], numbers[2])
    });
    println!("{said}");
    // Thread-locals, pooled without a collector, and with it.
    let [_, (_, first), (_, second), (_, back)] = most_and_last;
    assert!(
        is_off() || (back < 0.6 * first && back < 0.6 * second),
        "with a collector memory is back, and without it is kept: {said}"
    );

    let svg = fs::read_to_string(&picture).unwrap();
    let svg = Document::parse(&svg).expect("an SVG is XML");
    let texts: Vec<&str> = svg.descendants().filter_map(|node| node.text()).map(str::trim).collect();
    for label in sides.iter().chain(&["clients", "resident memory, MiB", "burst", "silence", "giant bodies"]) {
        assert!(texts.contains(label), "no `{label}` among {texts:?}");
    }
    let points = |node: &Node<'_, '_>| node.attribute("points").map_or(0, |all| all.split_whitespace().count());
    let curves = svg.descendants().filter(|node| node.has_tag_name("polyline") && points(node) == 288);
    assert_eq!(curves.count(), sides.len());
}

#[test]
fn a_picture_that_cannot_be_written_is_an_error_before_the_day_begins() {
    let folder = TempDir::new().unwrap();
    let picture = folder.path().join("missing/day.svg");
    let start = Instant::now();
    let output = command().args(["--replay", "--minutes", "1", "--svg"]).arg(&picture).output().unwrap();
    assert!(start.elapsed() < Duration::from_secs(30));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with(&format!("server: cannot write `{}`: No such file", picture.display())), "{said}");
}
