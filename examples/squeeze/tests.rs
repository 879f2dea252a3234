//! `squeeze`, run as a program.
//!
//! `cargo test` builds the examples of a package before it runs the package's tests.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::read::MultiGzDecoder;
use tempfile::TempDir;

const BLOCK: usize = 1024;

/// The program, with small blocks and three threads.
fn squeeze() -> Command {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).expect("tests are built into `deps`");
    let program = target.join("examples").join("squeeze").with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "`{}` is not there: `cargo test -p examples` builds it", program.display());
    let mut command = Command::new(program);
    command.args(["--block", "1KiB", "--threads", "3"]);
    command
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The number in one row of the table.
fn row(output: &Output, name: &str) -> u64 {
    let table = String::from_utf8_lossy(&output.stdout);
    let line = table.lines().find_map(|line| line.trim_start().strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_else(|| panic!("no `{name}` in:\n{table}"))
}

/// Bytes that deflate cannot make smaller.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

fn text(len: usize) -> Vec<u8> {
    (0..).flat_map(|line: u32| format!("line {line}\n").into_bytes()).take(len).collect()
}

fn gz(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    name.into()
}

/// All files below, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[track_caller]
fn assert_unpacks_to(packed: &Path, expected: &[u8]) {
    let mut bytes = Vec::new();
    MultiGzDecoder::new(File::open(packed).unwrap()).read_to_end(&mut bytes).unwrap();
    assert!(bytes == expected, "`{}` holds other bytes", packed.display());
    match Command::new("gunzip").arg("-t").arg(packed).status() {
        Ok(status) => assert!(status.success(), "gunzip refuses `{}`", packed.display()),
        Err(error) => eprintln!("not checked with gunzip: {error}"),
    }
}

#[test]
fn files_of_all_sizes_come_back_byte_for_byte() {
    let folder = TempDir::new().unwrap();
    let mut contents = Vec::new();
    // The last ones are large: more blocks than one window.
    for len in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 3, 64 * BLOCK, 64 * BLOCK + 1, 128 * BLOCK, 150 * BLOCK]
    {
        contents.push((format!("text-{len}"), text(len)));
        contents.push((format!("noise-{len}"), noise(len)));
    }
    for (name, bytes) in &contents {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    for level in ["0", "1", "6", "9"] {
        let output = run(squeeze().arg("--force").args(["--level", level]).arg(folder.path()));
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(row(&output, "files"), contents.len() as u64);
        assert_eq!(row(&output, "bytes in"), contents.iter().map(|(_, bytes)| bytes.len() as u64).sum());
        let blocks = contents.iter().map(|(_, bytes)| bytes.len().div_ceil(BLOCK).max(1) as u64).sum();
        assert_eq!(row(&output, "blocks"), blocks);
        for (name, bytes) in &contents {
            assert_unpacks_to(&gz(&folder.path().join(name)), bytes);
        }
        assert_eq!(files(folder.path()).len(), 2 * contents.len());
    }
}

#[test]
fn contexts_are_made_for_threads_not_for_blocks() {
    let folder = TempDir::new().unwrap();
    for file in 0..500 {
        fs::write(folder.path().join(file.to_string()), text(file)).unwrap();
    }
    fs::write(folder.path().join("large"), text(300 * BLOCK)).unwrap();
    let output = run(squeeze().arg(folder.path()));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(row(&output, "blocks"), 800);
    if std::env::var_os("POOL_BACKEND").is_none_or(|backend| backend != "off") {
        let cpus = std::thread::available_parallelism().unwrap().get() as u64;
        // Each of three threads may have left one behind on each CPU that it has run on.
        assert!((1..=3 * cpus).contains(&row(&output, "contexts made")), "{output:?}");
    }
}

#[test]
fn out_mirrors_the_folders() {
    let folder = TempDir::new().unwrap();
    let source = folder.path().join("source");
    fs::create_dir_all(source.join("a/b")).unwrap();
    fs::write(source.join("top"), "top").unwrap();
    fs::write(source.join("a/b/deep.txt"), "deep").unwrap();
    fs::write(folder.path().join("single"), "single").unwrap();

    let output = run(squeeze().current_dir(folder.path()).args(["--out", "new/out", "source", "./single"]));
    assert!(output.status.success(), "{}", stderr(&output));
    let out = folder.path().join("new/out");
    let expected = ["single.gz", "source/a/b/deep.txt.gz", "source/top.gz"].map(|name| out.join(name));
    assert_eq!(files(&out), expected);
    assert_unpacks_to(&expected[1], b"deep");

    let output = run(squeeze().current_dir(&source).args(["--out", "../dot", "."]));
    assert!(output.status.success(), "{}", stderr(&output));
    let dot = folder.path().join("dot");
    assert_eq!(files(&dot), [dot.join("a/b/deep.txt.gz"), dot.join("top.gz")]);
}

#[test]
fn an_out_that_is_a_file_is_an_error() {
    let folder = TempDir::new().unwrap();
    let [source, out] = ["source", "out"].map(|name| folder.path().join(name));
    fs::write(&source, "source").unwrap();
    fs::write(&out, "out").unwrap();
    let output = run(squeeze().arg("--force").arg("--out").arg(&out).arg(&source));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("out/source.gz`: File exists"), "{output:?}");
    assert_eq!(fs::read(&out).unwrap(), b"out");
}

#[test]
fn inputs_that_collide_are_both_named() {
    let folder = TempDir::new().unwrap();
    for name in ["one", "two"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("same"), name).unwrap();
    }
    let output = run(squeeze().current_dir(folder.path()).args(["--out", "out", "one/same", "two/same", "one/same"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("two/same: `one/same` is written to the same `out/same.gz`"), "{output:?}");
    assert_eq!(stderr(&output).lines().count(), 1, "{output:?}");
    assert_unpacks_to(&folder.path().join("out/same.gz"), b"one");
}

#[test]
fn without_a_path_the_workspace_is_compressed() {
    let out = TempDir::new().unwrap();
    let output = run(squeeze().arg("--out").arg(out.path()));
    assert!(output.status.success(), "{}", stderr(&output));
    let this = files(out.path()).into_iter().find(|path| path.ends_with("examples/squeeze/tests.rs.gz")).unwrap();
    assert_unpacks_to(&this, include_bytes!("tests.rs"));
}

#[test]
fn what_cannot_be_done_is_named_and_the_rest_is_done() {
    let folder = TempDir::new().unwrap();
    let good = folder.path().join("good");
    fs::write(&good, "good").unwrap();
    let missing = folder.path().join("missing");
    let output = run(squeeze().arg(&missing).arg(&good));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&format!("squeeze: {}: No such file", missing.display())), "{output:?}");
    assert_eq!(row(&output, "failed"), 1);
    assert_unpacks_to(&gz(&good), b"good");
    assert_eq!(files(folder.path()), [good.clone(), gz(&good)]);
}

/// Files of the kernel that fail for everybody, root too: reading one is an error, one is shorter than it says, one is
/// longer.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_fails_or_changes_while_it_is_read_leaves_nothing_behind() {
    for (source, reason) in [
        ("/proc/self/mem", "cannot read: "),
        ("/sys/devices/system/cpu/possible", "shrank from 4096 to "),
        ("/proc/self/status", "grew beyond its 0 bytes while it was read"),
    ] {
        if !Path::new(source).exists() {
            eprintln!("not tested: no {source}");
            continue;
        }
        let folder = TempDir::new().unwrap();
        let good = folder.path().join("good");
        fs::write(&good, "good").unwrap();
        let out = folder.path().join("out");
        let output = run(squeeze().arg("--out").arg(&out).arg(source).arg(&good));
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(stderr(&output).contains(&format!("squeeze: {source}: {reason}")), "{output:?}");
        assert_eq!(files(&out), [out.join("good.gz")]);
    }
}

#[cfg(unix)]
#[test]
fn special_files_are_not_opened_and_links_are_not_followed_in_folders() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("in")).unwrap();
    fs::write(path("in/file"), "file").unwrap();
    std::os::unix::fs::symlink("file", path("in/link")).unwrap();
    std::os::unix::fs::symlink("nowhere", path("in/dangling")).unwrap();
    std::os::unix::fs::symlink(".", path("in/loop")).unwrap();
    assert!(Command::new("mkfifo").arg(path("in/fifo")).status().unwrap().success());

    let output = run(squeeze().arg(path("in")));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!((row(&output, "files"), row(&output, "skipped")), (1, 4));

    // On the command line they are asked for: a link is followed, the others are errors.
    let output = run(squeeze().args(["in/fifo", "in/dangling", "in/link"].map(path)));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("in/fifo: neither a file nor a folder"), "{output:?}");
    assert!(stderr(&output).contains("in/dangling: No such file"), "{output:?}");
    assert_unpacks_to(&path("in/link.gz"), b"file");
}

/// A limit on the size of files stands in for a full disk: the write fails half-way.
#[cfg(unix)]
#[test]
fn a_write_that_fails_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("big"), noise(20 * BLOCK)).unwrap();
    fs::write(path("large"), noise(100 * BLOCK)).unwrap();
    fs::write(path("small"), "small").unwrap();
    let squeeze = squeeze();
    let output = run(Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "sh"])
        .arg(squeeze.get_program())
        .args(squeeze.get_args())
        .arg(folder.path()));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    for name in ["big", "large"] {
        let reason = format!("squeeze: {}: cannot write `{}`: ", path(name).display(), gz(&path(name)).display());
        assert!(stderr(&output).contains(&reason), "{output:?}");
    }
    assert_unpacks_to(&path("small.gz"), b"small");
    assert_eq!(files(folder.path()), ["big", "large", "small", "small.gz"].map(path));
}

#[test]
fn an_output_that_exists_is_kept_unless_forced() {
    let folder = TempDir::new().unwrap();
    let source = folder.path().join("source");
    fs::write(&source, "new").unwrap();
    fs::write(gz(&source), "old").unwrap();

    let output = run(squeeze().arg(&source));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("source.gz` exists already; `--force` overwrites it"), "{output:?}");
    assert_eq!(fs::read(gz(&source)).unwrap(), b"old");

    let output = run(squeeze().arg("--force").arg(&source));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_unpacks_to(&gz(&source), b"new");
    assert_eq!(files(folder.path()).len(), 2);
}

#[test]
fn a_gz_is_skipped() {
    let folder = TempDir::new().unwrap();
    let source = folder.path().join("source.gz");
    fs::write(&source, "whatever").unwrap();
    let output = run(squeeze().arg(&source));
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("source.gz: skipped, it is a `.gz` already"), "{output:?}");
    assert_eq!(files(folder.path()), [source]);
}

#[cfg(unix)]
#[test]
fn the_output_has_the_permissions_of_its_source() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    for mode in [0o640, 0o444, 0o755] {
        let source = folder.path().join(format!("{mode:o}"));
        fs::write(&source, "text").unwrap();
        fs::set_permissions(&source, fs::Permissions::from_mode(mode)).unwrap();
        assert!(run(squeeze().arg(&source)).status.success());
        assert_eq!(fs::metadata(gz(&source)).unwrap().permissions().mode() & 0o7777, mode);
    }
}

#[test]
fn the_command_line_is_checked() {
    for (option, value, accepted) in [
        ("--block", "16KB", "write a size from 1KiB to 4MiB"),
        ("--block", "1", "write a size from 1KiB to 4MiB"),
        ("--block", "8MiB", "write a size from 1KiB to 4MiB"),
        ("--block", "99999999999999999999MiB", "write a size from 1KiB to 4MiB"),
        ("--level", "10", "0..=9"),
        ("--threads", "0", "1..=1024"),
    ] {
        let mut command = Command::new(squeeze().get_program());
        let output = run(command.args([option, value]));
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        for part in [option, value, accepted] {
            assert!(stderr(&output).contains(part), "no `{part}` in: {}", stderr(&output));
        }
    }
}

#[test]
fn compare_prints_one_ratio() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), text(64 * BLOCK)).unwrap();
    // In blocks of the default size.
    let mut command = Command::new(squeeze().get_program());
    let output = run(command.args(["--compare", "--level", "0"]).arg(folder.path()));
    assert!(output.status.success(), "{}", stderr(&output));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("fresh takes ") && stdout.ends_with(" × the time\n"), "{stdout}");

    fs::write(folder.path().join("file"), "").unwrap();
    let output = run(squeeze().args(["--compare", "--force"]).arg(folder.path().join("file")));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("nothing to compare\n"), "{output:?}");
}
