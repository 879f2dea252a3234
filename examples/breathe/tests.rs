//! `breathe`, run as a program.
//!
//! `cargo test` builds the examples of a package before it runs the package's tests.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use roxmltree::Document;
use tempfile::TempDir;

fn breathe() -> Command {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).expect("tests are built into `deps`");
    let program = target.join("examples").join("breathe").with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "`{}` is not there: `cargo test -p examples` builds it", program.display());
    Command::new(program)
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn is_off() -> bool {
    std::env::var_os("POOL_BACKEND").is_some_and(|backend| backend == "off")
}

/// The number behind `name`.
fn figure(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_else(|| panic!("no `{name}` in:\n{text}"))
}

#[test]
fn the_pool_breathes_and_the_picture_shows_it() {
    let folder = TempDir::new().unwrap();
    let picture = folder.path().join("breathe.svg");
    let output = run(breathe().args(["--seconds", "2", "--svg"]).arg(&picture));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let text = String::from_utf8(output.stdout).unwrap();

    // No terminal, so lines.
    assert!(!text.contains('\x1b'), "{text}");
    let lines: Vec<&str> = text.lines().take(20).collect();
    for line in &lines {
        for word in [" s   ", "in use", "idle", "victims", "held", " MiB"] {
            assert!(line.contains(word), "no `{word}` in: {line}");
        }
    }
    assert!(lines[19].trim_start().starts_with("2.0 s"), "{}", lines[19]);

    let (acquired, made) = (figure(&text, "buffers acquired"), figure(&text, "made"));
    let (most, end) = (figure(&text, "most held"), figure(&text, "held at the end"));
    assert!(acquired > 256.0 && made > 0.0, "{text}");
    assert!(figure(&text, "most in use") > 8.0, "{text}");
    assert!(most > 0.0 && end <= most / 10.0, "{text}");
    if !is_off() {
        assert!(made < acquired / 2.0 && figure(&text, "dropped by age") > 0.0, "{text}");
    }
    assert!(text.contains("breathe::load::Buffer"), "{text}");

    let svg = fs::read_to_string(&picture).unwrap();
    let svg = Document::parse(&svg).expect("an SVG is XML");
    assert_eq!(svg.root_element().tag_name().name(), "svg");
    let texts: Vec<&str> = svg.descendants().filter_map(|node| node.text()).map(str::trim).collect();
    for label in ["in use", "idle", "victims, of those", "objects", "MiB held", "seconds"] {
        assert!(texts.contains(&label), "no `{label}` among {texts:?}");
    }
    // Three curves, and the edge of the area; each has a point per sample.
    let points =
        |node: roxmltree::Node<'_, '_>| node.attribute("points").map_or(0, |all| all.split_whitespace().count());
    let curves = svg.descendants().filter(|node| node.has_tag_name("polyline") && points(*node) == 200);
    assert_eq!(curves.count(), 4);
}

/// On a terminal the chart is drawn in its place.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_has_a_chart() {
    let breathe = breathe();
    let command = format!("{} --seconds 1", breathe.get_program().to_str().unwrap());
    // `script` gives it a terminal.
    let Ok(output) = Command::new("script").args(["-qec", &command, "/dev/null"]).stdin(Stdio::null()).output() else {
        eprintln!("not tested: no `script`");
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains('█') && text.contains('\x1b'), "{text}");
    assert_eq!(text.matches("victims ").count(), 200 + 1, "one for each drawing, and one in the table");
}

#[test]
fn the_command_line_is_checked() {
    for (value, accepted) in [("0", "1..=3600"), ("3601", "1..=3600"), ("-1", ""), ("soon", "invalid digit")] {
        let output = run(breathe().arg(format!("--seconds={value}")));
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        for part in ["--seconds", value, accepted] {
            assert!(stderr(&output).contains(part), "no `{part}` in: {}", stderr(&output));
        }
    }
    let output = run(breathe().arg("fast"));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("'fast'"), "{output:?}");
}

#[test]
fn a_picture_that_cannot_be_written_is_an_error_before_anything_is_done() {
    let folder = TempDir::new().unwrap();
    let picture = folder.path().join("missing/breathe.svg");
    let start = Instant::now();
    let output = run(breathe().args(["--seconds", "60", "--svg"]).arg(&picture));
    assert!(start.elapsed() < Duration::from_secs(30));
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("breathe: cannot write `{}`: No such file", picture.display());
    assert!(stderr(&output).starts_with(&expected), "{output:?}");
    assert!(output.stdout.is_empty());
}
