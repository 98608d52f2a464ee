//! The files of the repository, as git lists them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// A tracked text file.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Its path from the root.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

impl SourceFile {
    /// Tells whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }
}

/// Reads every tracked or new text file below the root.
pub(crate) fn tracked() -> anyhow::Result<Vec<SourceFile>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .context("git ls-files does not run")?;
    ensure!(listing.status.success(), "git ls-files failed");
    let files = String::from_utf8(listing.stdout).context("a path is not UTF-8")?;
    Ok(files
        .lines()
        .filter_map(|path| {
            let text = std::fs::read_to_string(root.join(path)).ok()?;
            Some(SourceFile { path: path.to_owned(), text })
        })
        .collect())
}
