//! The files to compress, under the paths of the command line, and the outputs that they get.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::report::{Failure, Skipped};

/// One file to compress.
pub(crate) struct Job {
    pub(crate) source: PathBuf,
    pub(crate) output: PathBuf,
    /// Its length when the folder was walked.
    pub(crate) len: u64,
}

/// All files to compress, no two of them to the same output.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) jobs: Vec<Job>,
    /// The files in the folders that are left alone.
    pub(crate) skipped: Skipped,
    /// The paths that cannot be compressed.
    pub(crate) failures: Vec<Failure>,
    /// The job of each output.
    outputs: HashMap<PathBuf, usize>,
}

/// The place for the outputs of the files under a path of the command line.
struct Target<'a> {
    /// The folder that takes the place of `base`; none: next to the source.
    out: Option<&'a Path>,
    base: &'a Path,
    /// Paths that are not walked.
    without: &'a [PathBuf],
}

impl Plan {
    /// Walks `paths`. Symbolic links are followed if they are among `paths`, not below.
    ///
    /// Under `out` a path keeps its last component: `a/b` and the files in it go to `out/b`.
    pub(crate) fn new<'a>(
        paths: impl IntoIterator<Item = &'a Path>,
        out: Option<&'a Path>,
        without: &'a [PathBuf],
    ) -> Self {
        let mut plan = Self::default();
        for path in paths {
            // `.` and `..` have no last component.
            let base = path.file_name().and_then(|_| path.parent()).unwrap_or(path);
            let target = Target { out, base, without };
            match fs::metadata(path) {
                Err(error) => plan.failures.push(Failure::new(path, error)),
                Ok(metadata) if metadata.is_dir() => plan.walk(path, &target),
                Ok(metadata) if !metadata.is_file() => {
                    plan.failures.push(Failure::new(path, "neither a file nor a folder"));
                }
                Ok(metadata) => {
                    if is_gzip(path) {
                        eprintln!("squeeze: {}: skipped, it is a `.gz` already", path.display());
                    }
                    plan.add_file(path, &metadata, &target);
                }
            }
        }
        plan
    }

    fn walk(&mut self, folder: &Path, target: &Target<'_>) {
        let mut entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => return self.failures.push(Failure::new(folder, error)),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if target.without.contains(&path) {
                continue;
            }
            match entry.metadata() {
                Err(error) => self.failures.push(Failure::new(&path, error)),
                Ok(metadata) if metadata.is_dir() => self.walk(&path, target),
                Ok(metadata) if metadata.is_file() => self.add_file(&path, &metadata, target),
                Ok(_) => self.skipped.special += 1,
            }
        }
    }

    fn add_file(&mut self, source: &Path, metadata: &Metadata, target: &Target<'_>) {
        if is_gzip(source) {
            self.skipped.gzip += 1;
            return;
        }
        let output = match target.out {
            None => source.to_owned(),
            Some(out) => out.join(source.strip_prefix(target.base).expect("found below its base")),
        };
        let mut output = OsString::from(output);
        output.push(".gz");
        let output = PathBuf::from(output);

        match self.outputs.entry(output.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(self.jobs.len());
                self.jobs.push(Job { source: source.to_owned(), output, len: metadata.len() });
            }
            Entry::Occupied(entry) => {
                let other = &self.jobs[*entry.get()].source;
                // The same file twice is no conflict.
                if other != source {
                    let reason = format!("`{}` is written to the same `{}`", other.display(), output.display());
                    self.failures.push(Failure::new(source, reason));
                }
            }
        }
    }
}

fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}
